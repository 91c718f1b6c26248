// Package diff is the command that shows what a run of a release would change.
package diff

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO       *output.Streams
	Releases func() (*releases.Reader, error)
	Plan     func(context.Context, model.ReleaseID) (model.Plan, error)
	Deployer func(context.Context) (*deploy.Deployer, func(), error)
	Name     releases.Name
	Format   output.Format
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML, output.FormatName}

// NewCmdDiff makes the command.
func NewCmdDiff(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Releases: f.Releases, Plan: f.Plan, Deployer: f.Deployer}
	var format string
	cmd := &cobra.Command{
		Use:   "diff NAME",
		Short: "Show what a run of a release would change",
		Long: `Fetch a release's source, render it, compare it with the cluster and show what a run would
change, field by field. Nothing is written. Values of Secrets are masked.

A release that no controller deploys is compared with its newest revision: what others changed in
the cluster since. What a deployment would change, fairlead deploy --dry-run shows.

It exits with 0 when there is no difference and 1 when there is one.`,
		Example: cli.Example(`
			fairlead diff dev/flask-app-dev
			fairlead diff dev/flask-app-dev -o json`),
		GroupID:           cli.GroupLook,
		Args:              cli.Args(1, 1, "the name of a release"),
		ValidArgsFunction: f.CompleteRelease,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if o.Name, err = f.ParseName(cmd, args[0]); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return diffRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

func diffRun(ctx context.Context, o *Options) error {
	r, err := o.Releases()
	if err != nil {
		return err
	}
	v, err := r.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	p, err := o.plan(ctx, &v)
	if err != nil {
		return err
	}
	d := newDocument(&p)
	switch {
	case o.Format.Structured():
		err = o.Format.Write(o.IO.Out, d)
	case o.Format.Is(output.FormatName):
		for _, c := range d.Changes {
			if err = o.IO.Line(string(c.Action) + " " + c.Object.String()); err != nil {
				break
			}
		}
	default:
		err = o.print(&v, d)
	}
	if err == nil && !p.Empty() {
		return cli.ErrNo
	}
	return err
}

// plan is what a run would do, or what would bring a release back to its newest revision.
func (o *Options) plan(ctx context.Context, v *releases.View) (model.Plan, error) {
	if !v.Direct() {
		return o.Plan(ctx, v.ID())
	}
	d, done, err := o.Deployer(ctx)
	if err != nil {
		return model.Plan{}, err
	}
	defer done()
	return d.Drift(ctx, v.TargetNamespace, v.Release)
}
