package app

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/ci"
	initcmd "github.com/fairlead-cd/fairlead/internal/cli/ci/init"
	"github.com/fairlead-cd/fairlead/internal/cli/ci/kubeconfig"
	"github.com/fairlead-cd/fairlead/internal/cli/ci/lint"
	"github.com/fairlead-cd/fairlead/internal/cli/ci/token"
	"github.com/fairlead-cd/fairlead/internal/cli/registrysecret"
	"github.com/fairlead-cd/fairlead/internal/cli/scan"
)

// ciCommands write and check pipelines.
func ciCommands(f *cli.Factory, e env) []*cobra.Command {
	return []*cobra.Command{
		ci.NewCmdCI(
			initcmd.NewCmdInit(f, nil),
			lint.NewCmdLint(f, nil),
			kubeconfig.NewCmdKubeconfig(f, os.Getenv, nil),
			token.NewCmdToken(f, os.Getenv, nil),
		),
		scan.NewCmdScan(f, openWorkTree(e), nil),
		registrysecret.NewCmdRegistrySecret(f, nil),
	}
}
