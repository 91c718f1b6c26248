// Package why is the command that names the cause of what is wrong with a release.
package why

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/inspect"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/report"
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

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// NewCmdWhy makes the command.
func NewCmdWhy(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Releases: f.Releases, Inspect: f.Inspect, Now: f.Now}
	var format string
	cmd := &cobra.Command{
		Use:   "why NAME",
		Short: "Name the cause of what is wrong with a release",
		Long: `Follow the trouble of a release down to its root: from the object that is not healthy to the
pod, the container, its exit code and last log lines, the event, and the Secret, ConfigMap or value
it hangs on. Trouble before that, a chart that cannot be fetched or a template that is wrong, is
told as the controller saw it.

It exits with 0 when the release is healthy and 1 when it is not.`,
		Example: cli.Example(`
			fairlead why shop/api
			fairlead why shop/api -o jsonpath='{.causes[0].reason}'`),
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
			return whyRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

// document is what -o json prints.
type document struct {
	cli.Header
	Release  model.ReleaseID      `json:"release"`
	Status   releases.Status      `json:"status"`
	Healthy  bool                 `json:"healthy"`
	Message  string               `json:"message,omitempty"`
	Problems []releases.Condition `json:"problems"`
	Causes   []model.Cause        `json:"causes"`
	Unread   string               `json:"unread,omitempty"` // what could not be looked at
}

func whyRun(ctx context.Context, o *Options) error {
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
	d, err := look(ctx, in, &v)
	if err != nil {
		return err
	}
	if o.Format.Structured() {
		err = o.Format.Write(o.IO.Out, d)
	} else {
		err = o.print(&v, d)
	}
	if err == nil && !d.Healthy {
		return cli.ErrNo
	}
	return err
}

// look gathers what is wrong. Trouble in reading is part of the answer: what is known is told, and
// what is not is said to be unknown.
func look(ctx context.Context, in *inspect.Reader, v *releases.View) (document, error) {
	d := document{
		Header: cli.NewHeader("Diagnosis"), Release: v.ID(), Status: v.Status, Message: v.Message,
		Problems: problems(v), Causes: []model.Cause{},
	}
	tree, err := in.Tree(ctx, v)
	if ctx.Err() != nil {
		return d, context.Cause(ctx)
	}
	if err == nil {
		v.Look(inspect.Healthy(tree))
		d.Status = v.Status
		var causes []model.Cause
		causes, err = in.Causes(ctx, tree)
		d.Causes = append(d.Causes, causes...)
	}
	if err != nil {
		d.Unread = err.Error()
	}
	fine := []releases.Status{releases.Healthy, releases.Held, releases.OutOfSync, releases.Suspended}
	d.Healthy = err == nil && slices.Contains(fine, v.Status) && inspect.Healthy(tree)
	return d, nil
}

// goodWhenFalse are conditions that are no trouble when they are false, and may be when true.
var goodWhenFalse = []string{"Held", "RolledBack", "Unsupported"}

// problems are the conditions that say that something is wrong.
func problems(v *releases.View) []releases.Condition {
	found := []releases.Condition{}
	for _, c := range v.Conditions {
		bad := c.Status == "False"
		if v.Kind == model.KindApplication || slices.Contains(goodWhenFalse, c.Type) {
			bad = c.Status == "True" && c.Type != releases.ConditionHeld
		}
		same := func(o releases.Condition) bool { return o.Message == c.Message }
		if bad && !slices.ContainsFunc(found, same) {
			found = append(found, c)
		}
	}
	return found
}

func (o *Options) print(v *releases.View, d document) error {
	paint := o.IO.OutPaint()
	mark, style := "✓", output.Good
	if !d.Healthy {
		mark, style = "✗", output.Bad
	}
	head := fmt.Sprintf("%s %s is %s", mark, v.Short(), v.Status)
	switch {
	case v.Version != "" && v.Revision > 0:
		head += fmt.Sprintf("  (revision %d, %s)", v.Revision, v.Version)
	case v.Version != "": // a first rollout
		head += "  (" + v.Version + ")"
	}
	fmt.Fprintln(o.IO.Out, paint.Text(style, head))
	if d.Healthy {
		if v.Message != "" {
			fmt.Fprintf(o.IO.Out, "  %s\n", output.Clean(v.Message))
		}
		return nil
	}
	line := func(p releases.Condition) {
		fmt.Fprintf(o.IO.Out, "  %s  %s\n", paint.Text(output.Strong, p.Type+label(p.Reason)), output.Clean(p.Message))
	}
	failed := failure(d)
	if failed != nil {
		line(*failed)
	}
	fmt.Fprint(o.IO.Out, report.Causes(d.Causes, cli.ReportStyle(paint, o.IO.Width)))
	for _, p := range d.Problems {
		if len(d.Causes) > 0 && slices.Contains(ofTheRun, p.Type) {
			continue // told above, or says the same as a cause in other words
		}
		line(p)
	}
	if len(d.Causes) == 0 && len(d.Problems) == 0 && v.Message != "" {
		fmt.Fprintf(o.IO.Out, "  %s\n", output.Clean(v.Message))
	}
	if d.Unread != "" {
		return errors.Join(cli.ErrNo, o.IO.Line("  not known  "+d.Unread))
	}
	return nil
}

// ofTheRun are conditions that tell how the last run ended, the most telling first.
var ofTheRun = []string{"SyncError", "Deployed", "Released", "Ready"}

// failure is the condition that says at which object the last run failed, unless the causes, which are
// those of the objects there are, tell of that one. What could not be applied has no cause: it does not
// run. Nil is none.
func failure(d document) *releases.Condition {
	if len(d.Causes) == 0 {
		return nil
	}
	for _, kind := range ofTheRun[:3] {
		for i, p := range d.Problems {
			told := func(c model.Cause) bool {
				return strings.Contains(p.Message, c.Root()) || p.Reason == c.Reason && strings.Contains(p.Message, c.Object.Short())
			}
			if p.Type == kind {
				if slices.ContainsFunc(d.Causes, told) {
					return nil
				}
				return &d.Problems[i]
			}
		}
	}
	return nil
}

func label(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
