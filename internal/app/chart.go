package app

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	chartcmd "github.com/fairlead-cd/fairlead/internal/cli/chart"
)

// chartCommands work on a chart and need no controller.
func chartCommands(f *cli.Factory, _ env) []*cobra.Command {
	return []*cobra.Command{
		chartcmd.NewCmdChart(f), // subcommands follow the factory, one a line
	}
}
