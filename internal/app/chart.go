package app

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	chartcmd "github.com/fairlead-cd/fairlead/internal/cli/chart"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/packagecmd"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/pull"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/push"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/rbac"
	chartschema "github.com/fairlead-cd/fairlead/internal/cli/chart/schema"
	"github.com/fairlead-cd/fairlead/internal/cli/template"
)

// chartCommands work on a chart and need no controller.
func chartCommands(f *cli.Factory, e env) []*cobra.Command {
	charts := openCharts(e)
	return []*cobra.Command{
		template.NewCmdTemplate(f, charts, nil),
		chartcmd.NewCmdChart(f,
			rbac.NewCmdRBAC(f, charts, nil),
			packagecmd.NewCmdPackage(f, charts, nil),
			chartschema.NewCmdSchema(f, charts, nil),
			push.NewCmdPush(f, charts, nil),
			pull.NewCmdPull(f, charts, nil),
			chartTest(f, e),
		),
	}
}
