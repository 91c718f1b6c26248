// Package sync is the command that asks for a run of a release now.
package sync

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
	User    string
	Name    releases.Name
	Wait    bool
	Timeout time.Duration
}

// NewCmdSync makes the command.
func NewCmdSync(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{
		IO: f.IO, Now: f.Now, User: f.User,
		Follow: func(t time.Duration) (*follow.Follower, error) { return follow.New(f, t) },
	}
	cmd := &cobra.Command{
		Use:   "sync NAME",
		Short: "Ask for a run of a release now",
		Long: `Ask the controller to look at a release's source now and to deploy what it finds, without
waiting for the next interval. A failed revision is tried again; an Application without automated
sync is deployed; a held release stays held.

With --wait it shows how the rollout goes and exits with 0 when the release is healthy, 3 when
the deployment failed, and 124 when it took longer than --timeout.`,
		Example: cli.Example(`
			fairlead sync dev/flask-app-dev
			fairlead sync dev/flask-app-dev --wait --timeout 3m`),
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
			return syncRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.Wait, "wait", false, "wait until the release is healthy or the deployment failed")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", follow.DefaultTimeout, "how long to wait; 0 is without end")
	return cmd
}

func syncRun(ctx context.Context, o *Options) error {
	f, err := o.Follow(o.Timeout)
	if err != nil {
		return err
	}
	v, err := f.Releases.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	granted, err := follow.Make(ctx, f.Dynamic, &v, follow.Sync(v.Kind, o.User, o.Now()))
	if err != nil {
		return err
	}
	if v.Hold != nil {
		o.IO.Say("%s is held at revision %d: fairlead resume %s ends that", v.Short(), v.Hold.Revision, v.Short())
	}
	if !o.Wait {
		o.IO.Say("asked for a sync of %s", v.Short())
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
