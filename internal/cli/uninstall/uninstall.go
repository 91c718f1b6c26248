// Package uninstall is the command that removes a release and all that belongs to it.
package uninstall

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/rollout"
	"github.com/fairlead-cd/fairlead/internal/deploy"
)

// Options of the command.
type Options struct {
	rollout.Options
	Deployer  func(context.Context) (*deploy.Deployer, func(), error)
	Name      string
	Namespace string
	DryRun    bool
	IfExists  bool
}

// NewCmdUninstall makes the command.
func NewCmdUninstall(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Options: rollout.New(f), Deployer: f.Deployer}
	cmd := &cobra.Command{
		Use:   "uninstall RELEASE",
		Short: "Remove a release and everything that belongs to it",
		Long: `Remove what a release consists of and then its history, in the reverse of the order it was applied
in, and wait until all of it is gone. Hooks for it run as with Helm. Objects with the annotation
"helm.sh/resource-policy: keep" stay, and so does the namespace.

It works on releases of fairlead deploy, fairlead apply and helm. What a controller deploys goes when the
object that asks for it is deleted.`,
		Example: cli.Example(`
			fairlead uninstall shop -n dev
			fairlead uninstall shop -n dev --dry-run`),
		GroupID: cli.GroupDeploy,
		Args:    cli.Args(1, 1, "the name of a release"),

		ValidArgsFunction: f.CompleteRelease,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Parse(cmd); err != nil {
				return err
			}
			var err error
			if o.Namespace, o.Name, err = f.PlainName(cmd, args[0]); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return uninstallRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show what would be deleted and stop")
	cmd.Flags().BoolVar(&o.IfExists, "ignore-not-found", false, "a release that does not exist is no error")
	o.AddFlags(cmd)
	return cmd
}

func uninstallRun(ctx context.Context, o *Options) error {
	d, done, err := o.Deployer(ctx)
	if err != nil {
		return err
	}
	defer done()
	history, err := d.Records.History(ctx, o.Namespace, o.Name)
	if err != nil {
		return err
	}
	if len(history) == 0 && o.IfExists {
		o.IO.Say("there is no release %s/%s", o.Namespace, o.Name)
		return nil
	}
	rel := deploy.Recorded(o.Namespace, o.Name, history)
	rel.Timeout = o.Timeout
	return o.Run(ctx, d, deploy.Request{Verb: deploy.VerbUninstall, Release: rel, DryRun: o.DryRun})
}
