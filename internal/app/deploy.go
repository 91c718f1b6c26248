package app

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
)

// deployCommands deploy from where they run, without a controller.
func deployCommands(*cli.Factory, env) []*cobra.Command { return nil }
