package app

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
)

// ciCommands write and check pipelines.
func ciCommands(*cli.Factory, env) []*cobra.Command { return nil }
