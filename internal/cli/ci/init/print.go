package init

import (
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/fairlead-cd/fairlead/internal/ci/pipeline"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// document is what -o json prints.
type document struct {
	cli.Header
	Written bool   `json:"written"`
	Files   []file `json:"files"`
}

type file struct {
	Path  string         `json:"path"`
	State pipeline.State `json:"state"`
	Diff  string         `json:"diff,omitempty"` // of a file that was edited
}

func (o *Options) print(spec *pipeline.Spec, changes []pipeline.Change, edited bool) error {
	d := document{Header: cli.NewHeader("PipelineFiles"), Written: !edited && !o.DryRun, Files: []file{}}
	for _, c := range changes {
		f := file{Path: c.Path, State: c.State}
		if c.State == pipeline.Edited || o.DryRun && c.State == pipeline.Updated {
			f.Diff = string(diff.Diff("a/"+c.Path, []byte(c.Old), "b/"+c.Path, []byte(c.Content)))
		}
		d.Files = append(d.Files, f)
	}
	if o.Format.Structured() {
		return o.Format.Write(o.IO.Out, d)
	}
	var b strings.Builder
	for _, f := range d.Files {
		o.printFile(&b, f, edited)
	}
	if _, err := io.WriteString(o.IO.Out, b.String()); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	o.next(spec, d, edited)
	return nil
}

// words are what becomes of a file when nothing is written.
var words = map[pipeline.State]string{
	pipeline.Created: "to create", pipeline.Updated: "to update", pipeline.Replaced: "to replace",
}

func (o *Options) printFile(w io.Writer, f file, edited bool) {
	paint := o.IO.OutPaint()
	word := string(f.State)
	if w := words[f.State]; w != "" && (edited || o.DryRun) {
		word = w
	}
	style := output.Good
	switch f.State {
	case pipeline.Unchanged:
		style = output.Quiet
	case pipeline.Edited, pipeline.Replaced:
		style = output.Bad
	}
	fmt.Fprintln(w, paint.Text(style, fmt.Sprintf("%-10s", word)), f.Path)
	for line := range strings.Lines(f.Diff) {
		style := output.Quiet
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			continue
		case strings.HasPrefix(line, "-"):
			style = output.Bad
		case strings.HasPrefix(line, "+"):
			style = output.Good
		}
		fmt.Fprintln(w, "  "+paint.Text(style, output.Clean(strings.TrimRight(line, "\n"))))
	}
}

// next says what is left to do.
func (o *Options) next(spec *pipeline.Spec, d document, edited bool) {
	if spec.Guessed {
		o.IO.Say("note: no remote says which project this is: it is taken for %s at %s; --project and --host say otherwise", spec.Project, spec.Host)
	}
	switch {
	case edited:
		o.IO.Say("nothing was written: a file was edited by hand (- what is there, + what would be)")
		o.IO.Say("next  take over what you want, or replace it: --force")
	case o.DryRun:
		o.IO.Say("nothing was written (--dry-run)")
	case spec.NeedsRunner():
		o.IO.Say("next  build ci/runner/Dockerfile (its head says how), then fairlead ci init %s --runner-image NAME@sha256:…", spec.Provider)
		o.IO.Say("      and ci/README.md: what the build service and the clusters have to be told")
	case len(d.Files) > 0 && d.Files[0].State != pipeline.Unchanged:
		o.IO.Say("next  fairlead ci lint; ci/README.md says what the build service and the clusters have to be told")
	}
}
