// Package get is the command that lists releases, once or as they change.
package get

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO        *output.Streams
	Releases  func() (*releases.Reader, error)
	Now       func() time.Time
	Name      *releases.Name // nil is all
	Namespace string
	Watch     bool
	Format    output.Format
}

var formats = []string{output.FormatTable, output.FormatWide, output.FormatJSON, output.FormatYAML, output.FormatName}

// NewCmdGet makes the command.
func NewCmdGet(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Releases: f.Releases, Now: f.Now}
	var format string
	cmd := &cobra.Command{
		Use:     "get [NAME]",
		Aliases: []string{"list", "ls"},
		Short:   "List releases and how they stand",
		Long: `List the releases of all kinds and namespaces, and how they stand.

A release is named NAME, NAMESPACE/NAME, KIND/NAME or KIND/NAMESPACE/NAME, where NAME is that of
the HelmRelease, Application or root that asks for it, or Helm's name of it. With -n, only those
are listed that are asked for in, or deploy to, that namespace.`,
		Example: cli.Example(`
			fairlead get
			fairlead get -n dev -o wide
			fairlead get shop/api --watch
			fairlead get -o jsonpath='{range .items[*]}{.name} {.status}{"\n"}{end}'`),
		GroupID:           cli.GroupLook,
		Args:              cli.Args(0, 1, "at most one release"),
		ValidArgsFunction: f.CompleteRelease,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			o.Namespace = f.Global.Namespace
			if all, _ := cmd.Flags().GetBool("all-namespaces"); all {
				o.Namespace = ""
			}
			if len(args) == 1 {
				n, err := f.ParseName(cmd, args[0])
				if err != nil {
					return err
				}
				o.Name = &n
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return getRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	cmd.Flags().BoolP("all-namespaces", "A", false, "all namespaces (the default)")
	cmd.Flags().BoolVarP(&o.Watch, "watch", "w", false, "go on and show changes as they happen")
	return cmd
}

func getRun(ctx context.Context, o *Options) error {
	r, err := o.Releases()
	if err != nil {
		return err
	}
	if o.Watch {
		return watchRun(ctx, o, r)
	}
	all, err := r.List(ctx)
	if err != nil {
		return err
	}
	views, err := o.choose(all)
	if err != nil {
		return err
	}
	return o.print(views)
}

// choose keeps the releases that were asked for.
func (o *Options) choose(all []releases.View) ([]releases.View, error) {
	if o.Name != nil {
		v, err := releases.Find(all, *o.Name)
		return []releases.View{v}, err
	}
	chosen := []releases.View{}
	for _, v := range all {
		if releases.InNamespace(v, o.Namespace) {
			chosen = append(chosen, v)
		}
	}
	return chosen, nil
}

// list is what -o json prints.
type list struct {
	cli.Header
	Items []releases.View `json:"items"`
}

func (o *Options) print(views []releases.View) error {
	switch {
	case o.Format.Structured():
		return o.Format.Write(o.IO.Out, list{cli.NewHeader("ReleaseList"), views})
	case o.Format.Is(output.FormatName):
		return printNames(o.IO, views)
	case len(views) == 0:
		where := ""
		if o.Namespace != "" {
			where = " in namespace " + o.Namespace
		}
		o.IO.Say("no releases%s", where)
		return nil
	}
	return o.table().Write(o.IO.Out, rows(views)...)
}

func (o *Options) table() *output.Table {
	status := func(s string) output.Style { return output.StatusStyle(s) }
	return &output.Table{
		Wide: o.Format.Is(output.FormatWide), Width: o.width(), Paint: o.IO.OutPaint(),
		Columns: []output.Column{
			{Name: "KIND"}, {Name: "NAMESPACE"}, {Name: "NAME", Style: strong}, {Name: "ENVIRONMENT"},
			{Name: "REVISION"}, {Name: "VERSION"}, {Name: "STATUS", Style: status}, {Name: "AGE"},
			{Name: "RELEASE", Wide: true}, {Name: "TARGET", Wide: true}, {Name: "OBSERVED", Wide: true},
			{Name: "SOURCE", Wide: true}, {Name: "MESSAGE"},
		},
	}
}

// width cuts messages at the end of the terminal, but not with -o wide: who asks for that wants it
// all.
func (o *Options) width() int {
	if o.Format.Is(output.FormatWide) {
		return 0
	}
	return o.IO.Width
}

func strong(string) output.Style { return output.Strong }

func rows(views []releases.View) [][]string {
	rows := make([][]string, len(views))
	for i := range views {
		rows[i] = row(&views[i])
	}
	return rows
}

func row(v *releases.View) []string {
	revision, observed := "", ""
	if v.Revision > 0 {
		revision = strconv.Itoa(v.Revision)
	}
	if !v.ObservedAt.IsZero() {
		observed = v.ObservedAt.Format(time.RFC3339)
	}
	return []string{
		string(v.Kind), v.Namespace, v.Name, v.Environment, revision, v.Version, string(v.Status), v.Age,
		v.Release, v.TargetNamespace, observed, v.Source, v.Message,
	}
}

func printNames(io *output.Streams, views []releases.View) error {
	for i := range views {
		if err := io.Line(views[i].ID().String()); err != nil {
			return err
		}
	}
	return nil
}
