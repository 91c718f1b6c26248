// Package controller is the command that keeps releases as their requests say.
package controller

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/config"
)

// Options of the command.
type Options struct {
	Config    config.Config
	Verbosity int
}

// NewCmdController makes the command. run does the work; it needs all of the wiring.
func NewCmdController(f *cli.Factory, run func(context.Context, *Options) error) *cobra.Command {
	var file string
	o := &Options{}
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Keep releases as their requests say (runs until it is stopped)",
		Long: `Read HelmReleases, Applications and the root folders of the configuration, and keep the cluster as
they say. It listens on one address for webhooks (/webhook), metrics (/metrics) and probes
(/healthz, /readyz).`,
		GroupID: cli.GroupRun,
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if file == "" {
				o.Config, err = config.Parse(nil)
			} else {
				o.Config, err = config.Load(file)
			}
			if err != nil {
				return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
			}
			o.Verbosity = f.Global.Verbosity
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration `file`; docs/reference/configuration.md describes it")
	return cmd
}
