// Package status is the command that shows one release closely: what it is, how its objects do, and
// what is wrong.
package status

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/inspect"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO       *output.Streams
	Releases func() (*releases.Reader, error)
	Inspect  func() (*inspect.Reader, error)
	Now      func() time.Time
	Name     releases.Name
	Format   output.Format
}

var formats = []string{output.FormatTable, output.FormatWide, output.FormatJSON, output.FormatYAML}

// NewCmdStatus makes the command.
func NewCmdStatus(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Releases: f.Releases, Inspect: f.Inspect, Now: f.Now}
	var format string
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show a release, its objects and what is wrong with them",
		Long: `Show a release: where it comes from, what runs, how each of its objects does, its conditions,
and whether it is held.

It exits with 0 when the release is healthy and 1 when it is not.`,
		Example: cli.Example(`
			fairlead status flask-app-dev
			fairlead status shop/api -o json`),
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
			return statusRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

// document is what -o json prints.
type document struct {
	cli.Header
	Release releases.View `json:"release"`
	Objects []health.Node `json:"objects"`
}

func statusRun(ctx context.Context, o *Options) error {
	r, err := o.Releases()
	if err != nil {
		return err
	}
	v, err := r.Find(ctx, o.Name)
	if err != nil {
		return err
	}
	in, err := o.Inspect()
	if err != nil {
		return err
	}
	tree, err := in.Tree(ctx, &v)
	if err != nil {
		return err
	}
	v.Look(inspect.Healthy(tree))
	if o.Format.Structured() {
		err = o.Format.Write(o.IO.Out, document{cli.NewHeader("ReleaseStatus"), v, tree})
	} else {
		err = o.print(&v, tree)
	}
	if err == nil && !good(&v, tree) {
		return cli.ErrNo
	}
	return err
}

// good reports whether the release does well: what runs is healthy, and it is what shall run, or
// someone decided that it is not.
func good(v *releases.View, tree []health.Node) bool {
	return (v.Status == releases.Healthy || v.Status == releases.Held || v.Status == releases.Suspended) && inspect.Healthy(tree)
}
