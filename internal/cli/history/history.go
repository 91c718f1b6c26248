// Package history is the command that lists the revisions of a release.
package history

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/inspect"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
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

var formats = []string{output.FormatTable, output.FormatWide, output.FormatJSON, output.FormatYAML, output.FormatName}

// NewCmdHistory makes the command.
func NewCmdHistory(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Releases: f.Releases, Inspect: f.Inspect, Now: f.Now}
	var format string
	cmd := &cobra.Command{
		Use:   "history NAME",
		Short: "List the revisions of a release",
		Long: `List the revisions of a release, oldest first: those in Helm's storage for a HelmRelease, so
that helm history tells the same, and those in status.history for an Application.`,
		Example: cli.Example(`
			fairlead history dev/flask-app-dev
			fairlead history dev/flask-app-dev -o json`),
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
			return historyRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

// document is what -o json prints.
type document struct {
	cli.Header
	Release model.ReleaseID `json:"release"`
	Items   []item          `json:"items"`
}

type item struct {
	Revision    int                `json:"revision"`
	Time        time.Time          `json:"time,omitzero"`
	Status      model.RecordStatus `json:"status"`
	Chart       string             `json:"chart,omitempty"`
	AppVersion  string             `json:"appVersion,omitempty"`
	Version     string             `json:"version,omitempty"`
	Commit      string             `json:"commit,omitempty"`
	Description string             `json:"description,omitempty"`
	HeldBy      string             `json:"heldBy,omitempty"`
}

func historyRun(ctx context.Context, o *Options) error {
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
	records, err := in.History(ctx, &v)
	if err != nil {
		return err
	}
	items := make([]item, len(records))
	for i, rec := range records {
		items[i] = item{
			Revision: rec.Revision, Time: rec.Time.UTC(), Status: rec.Status, Chart: rec.Chart, AppVersion: rec.AppVersion,
			Version: rec.Source.Version, Commit: rec.Source.Commit, Description: rec.Description, HeldBy: rec.HoldBy,
		}
	}
	switch {
	case o.Format.Structured():
		return o.Format.Write(o.IO.Out, document{cli.NewHeader("RevisionList"), v.ID(), items})
	case o.Format.Is(output.FormatName):
		for _, it := range items {
			if err := o.IO.Line(strconv.Itoa(it.Revision)); err != nil {
				return err
			}
		}
		return nil
	case len(items) == 0:
		o.IO.Say("%s has no revisions yet", v.Short())
		return nil
	}
	return o.table(items)
}

func (o *Options) table(items []item) error {
	t := &output.Table{
		Wide: o.Format.Is(output.FormatWide), Width: o.IO.Width, Paint: o.IO.OutPaint(),
		Columns: []output.Column{
			{Name: "REVISION"}, {Name: "TIME"}, {Name: "AGE"}, {Name: "STATUS", Style: output.StatusStyle},
			{Name: "CHART"}, {Name: "VERSION"}, {Name: "COMMIT"}, {Name: "APP VERSION", Wide: true}, {Name: "DESCRIPTION"},
		},
	}
	if t.Wide {
		t.Width = 0
	}
	var rows [][]string
	for _, it := range items {
		commit, age, at := it.Commit, "", ""
		if len(commit) > 7 && !t.Wide {
			commit = commit[:7]
		}
		if !it.Time.IsZero() {
			at, age = it.Time.Format(time.RFC3339), output.Age(o.Now().Sub(it.Time))
		}
		rows = append(rows, []string{
			strconv.Itoa(it.Revision), at, age, string(it.Status), it.Chart, it.Version, commit, it.AppVersion, it.Description,
		})
	}
	return t.Write(o.IO.Out, rows...)
}
