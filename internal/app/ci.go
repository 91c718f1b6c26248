package app

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/ci"
)

// ciCommands write and check pipelines.
func ciCommands(f *cli.Factory, _ env) []*cobra.Command {
	return []*cobra.Command{
		ci.NewCmdCI(),
	}
}
