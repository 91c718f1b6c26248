package app

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
)

// chartCommands work on a chart and need no controller.
func chartCommands(*cli.Factory, env) []*cobra.Command { return nil }
