// Package ci is the command that holds those for pipelines. It does nothing itself.
package ci

import (
	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
)

// NewCmdCI makes the command with those below it.
func NewCmdCI(children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ci",
		Short:   "Write and check the pipeline of a repository",
		GroupID: cli.GroupBuild,
		Args:    cli.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(children...)
	return cmd
}
