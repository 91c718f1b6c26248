// Package chart is the command that holds those that check and carry charts; each is a folder
// below, and internal/app puts them in.
package chart

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
)

// NewCmdChart makes the command with its subcommands.
func NewCmdChart(_ *cli.Factory, subcommands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chart",
		Short: "Test a chart, find the rights it needs, write its schema, package it",
		Long: `Work on a Helm chart in a folder or an archive. None of these needs a controller, the helm binary
or the network, and most need no cluster.`,
		GroupID: cli.GroupBuild,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "; did you mean \"" + near[0] + "\"?"
			}
			return cli.Usagef(cmd.CommandPath(), "unknown command %q%s", args[0], hint)
		},
		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subcommands...)
	return cmd
}
