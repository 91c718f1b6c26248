// Package rollback is the command that takes a release back to an earlier revision and holds it
// there.
package rollback

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/follow"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/cli/rollout"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO       *output.Streams
	Follow   func(timeout time.Duration) (*follow.Follower, error)
	Deployer func(context.Context) (*deploy.Deployer, func(), error)
	Rollout  rollout.Options // for releases that no controller deploys
	Now      func() time.Time
	Name     releases.Name
	Recreate []string
	DryRun   bool
	Revision int // 0 is the last good one before the current
	Wait     bool
	Timeout  time.Duration
}

// NewCmdRollback makes the command.
func NewCmdRollback(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{
		IO: f.IO, Now: f.Now,
		Follow:   func(t time.Duration) (*follow.Follower, error) { return follow.New(f, t) },
		Deployer: f.Deployer, Rollout: rollout.New(f),
	}
	cmd := &cobra.Command{
		Use:   "rollback NAME [REVISION]",
		Short: "Go back to an earlier revision and stay there",
		Long: `Take a release back to an earlier revision: the one given, or the last good one before the
current. The release is then held there, which get and status show: Fairlead does not deploy what
is in Git until that changes, or until fairlead resume. Nothing in Git is touched.

A release that no controller deploys (fairlead deploy, fairlead apply, helm) is rolled back from here,
with the same plan, progress and report as its deployment; the next one deploys what it is told. Of
plain manifests, what fairlead apply left without --prune stays.`,
		Example: cli.Example(`
			fairlead rollback prod/flask-app-prod
			fairlead rollback prod/flask-app-prod 3 --timeout 2m
			fairlead resume prod/flask-app-prod`),
		GroupID:           cli.GroupAct,
		Args:              cli.Args(1, 2, "the name of a release"),
		ValidArgsFunction: f.CompleteRelease,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Name, err = f.ParseName(cmd, args[0]); err != nil {
				return err
			}
			if len(args) == 2 {
				if o.Revision, err = strconv.Atoi(args[1]); err != nil || o.Revision < 1 {
					return cli.Usagef(cmd.CommandPath(), "revision %q: want a number from fairlead history", args[1])
				}
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return rollbackRun(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.Recreate, "recreate", nil, "delete this object first, as in `Deployment/web`: for fields that cannot be changed, without a controller")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show the plan and stop: without a controller")
	cmd.Flags().StringArrayVar(&o.Rollout.Reports, "report", nil, "also write a report: `junit=FILE`, without a controller")
	cmd.Flags().BoolVar(&o.Wait, "wait", true, "wait until the revision is healthy")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", follow.DefaultTimeout, "how long to wait; 0 is without end")
	return cmd
}

func rollbackRun(ctx context.Context, o *Options) error {
	f, err := o.Follow(o.Timeout)
	if err != nil {
		return err
	}
	v, err := f.Releases.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	if v.Direct() {
		return o.direct(ctx, &v)
	}
	if len(o.Recreate) > 0 || o.DryRun {
		return &model.Error{Kind: model.ErrInvalid, Reason: "Unsupported",
			Msg:  fmt.Sprintf("%s is rolled back by its controller, which knows neither --recreate nor --dry-run", v.Short()),
			Next: "leave them out; fairlead history " + v.Short() + " shows what there is to go back to"}
	}
	history, err := f.Inspect.History(ctx, &v)
	if err != nil {
		return err
	}
	target, err := choose(history, o.Revision, v.Short(), v.RollingOut)
	if err != nil {
		return err
	}
	wish, err := follow.Hold(target, o.Now())
	if err != nil {
		return err
	}
	granted, err := follow.Make(ctx, f.Dynamic, &v, wish)
	if err != nil {
		return err
	}
	if !o.Wait {
		o.IO.Say("asked for a rollback of %s to revision %d", v.Short(), target)
		return nil
	}
	after, err := f.Until(ctx, v.ID(), granted)
	if err != nil {
		return err
	}
	if err := f.Outcome(ctx, v, after); err != nil {
		return err
	}
	if after.Hold == nil {
		return &model.Error{Kind: model.ErrConflict, Reason: "NotHeld",
			Msg:  fmt.Sprintf("%s was not held at revision %d: its inputs changed meanwhile", v.Short(), target),
			Next: "fairlead history " + v.Short()}
	}
	o.IO.Say("it is held there until its inputs in Git change, or: fairlead resume %s", v.Short())
	return o.IO.Line(fmt.Sprintf("%s is back at revision %d and %s", v.Short(), target, after.Status))
}

// direct rolls back a release that no controller deploys.
func (o *Options) direct(ctx context.Context, v *releases.View) error {
	if !o.Wait {
		return &model.Error{Kind: model.ErrInvalid, Reason: "NoController",
			Msg: fmt.Sprintf("%s is deployed without a controller: a rollback of it is waited for", v.Short()), Next: "leave --wait=false out"}
	}
	d, done, err := o.Deployer(ctx)
	if err != nil {
		return err
	}
	defer done()
	history, err := d.Records.History(ctx, v.TargetNamespace, v.Release)
	if err != nil {
		return err
	}
	rel := deploy.Recorded(v.TargetNamespace, v.Release, history)
	if rel.Timeout = o.Timeout; rel.Timeout <= 0 {
		rel.Timeout = forever
	}
	return o.Rollout.Run(ctx, d, deploy.Request{Verb: deploy.VerbRollback, Release: rel, Target: o.Revision, Recreate: o.Recreate, DryRun: o.DryRun})
}

// forever is what a timeout of 0 means.
const forever = 365 * 24 * time.Hour

// choose is the revision to go back to: the one asked for, if it exists, or the newest good one
// before the current. Where a rollout is under way, what is left is not recorded yet, and the newest that
// is recorded may be where to go.
func choose(history []model.Record, asked int, name string, rollingOut bool) (int, error) {
	if len(history) == 0 {
		return 0, &model.Error{Kind: model.ErrNotFound, Reason: "NoHistory", Msg: name + " has no revisions to go back to"}
	}
	current := history[len(history)-1]
	if asked > 0 {
		for _, r := range history {
			if r.Revision == asked {
				return asked, nil
			}
		}
		return 0, &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRevision",
			Msg:  fmt.Sprintf("%s has no revision %d; there are %s", name, asked, revisions(history)),
			Next: "fairlead history " + name}
	}
	before := len(history) - 2
	if rollingOut {
		before++
	}
	for i := before; i >= 0; i-- {
		switch r := history[i]; r.Status {
		case model.RecordDeployed, model.RecordSuperseded:
			return r.Revision, nil
		}
	}
	return 0, &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRevision",
		Msg:  fmt.Sprintf("%s has no good revision before the current one, %d", name, current.Revision),
		Next: "fairlead history " + name}
}

// revisions lists the revisions that exist: "1, 2, 3 (failed)".
func revisions(history []model.Record) string {
	var list []string
	for _, r := range history {
		s := strconv.Itoa(r.Revision)
		if r.Status == model.RecordFailed {
			s += " (failed)"
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}
