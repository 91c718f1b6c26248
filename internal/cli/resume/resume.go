// Package resume is the command that ends the hold of a release.
package resume

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/follow"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO      *output.Streams
	Follow  func(timeout time.Duration) (*follow.Follower, error)
	Now     func() time.Time
	Name    releases.Name
	Wait    bool
	Timeout time.Duration
}

// NewCmdResume makes the command.
func NewCmdResume(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{
		IO: f.IO, Now: f.Now,
		Follow: func(t time.Duration) (*follow.Follower, error) { return follow.New(f, t) },
	}
	cmd := &cobra.Command{
		Use:   "resume NAME",
		Short: "End the hold of a release",
		Long: `End the hold of a release that was rolled back, by fairlead rollback, by helm rollback or after a
failed upgrade: what is in Git is deployed again.`,
		Example: cli.Example(`
			fairlead resume prod/flask-app-prod
			fairlead resume prod/flask-app-prod --wait=false`),
		GroupID:           cli.GroupAct,
		Args:              cli.Args(1, 1, "the name of a release"),
		ValidArgsFunction: f.CompleteRelease,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Name, err = f.ParseName(cmd, args[0]); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return resumeRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.Wait, "wait", true, "wait until the release is healthy or the deployment failed")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", follow.DefaultTimeout, "how long to wait; 0 is without end")
	return cmd
}

func resumeRun(ctx context.Context, o *Options) error {
	f, err := o.Follow(o.Timeout)
	if err != nil {
		return err
	}
	v, err := f.Releases.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	if v.Hold == nil {
		o.IO.Say("%s is not held", v.Short())
		return nil
	}
	granted, err := follow.Make(ctx, f.Dynamic, &v, follow.Resume(o.Now()))
	if err != nil {
		return err
	}
	if !o.Wait {
		o.IO.Say("%s is no longer held", v.Short())
		return nil
	}
	after, err := f.Until(ctx, v.ID(), granted)
	if err != nil {
		return err
	}
	if err := f.Outcome(ctx, v, after); err != nil {
		return err
	}
	return o.IO.Line(follow.Summary(after))
}
