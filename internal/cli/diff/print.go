package diff

import (
	"fmt"
	"io"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// document is what -o json prints.
type document struct {
	cli.Header
	Release model.ReleaseID `json:"release"`
	Summary summary         `json:"summary"`
	Changes []change        `json:"changes"` // in the order of a run; unchanged objects are left out
	Hooks   []model.HookRun `json:"hooks,omitempty"`
}

type summary struct {
	Create    int `json:"create"`
	Change    int `json:"change"`
	Adopt     int `json:"adopt"`
	Delete    int `json:"delete"`
	Conflict  int `json:"conflict"`
	Unchanged int `json:"unchanged"`
}

// actionLetGo is what becomes of an object that a release does not want any more and that is kept.
const actionLetGo model.Action = "let-go"

type change struct {
	Action  model.Action    `json:"action"`
	Object  model.ObjectKey `json:"object"`
	Version string          `json:"version,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Origin  model.Origin    `json:"origin,omitzero"`
	Fields  []fieldDiff     `json:"fields,omitempty"`
}

type fieldDiff struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"` // JSON
	New  string `json:"new,omitempty"`
}

func newDocument(p *model.Plan) document {
	d := document{Header: cli.NewHeader("Plan"), Release: p.Release, Changes: []change{}, Hooks: p.Hooks}
	for _, c := range p.Changes() {
		if c.Action == model.ActionPrune && c.Unowned {
			c.Action = actionLetGo
		}
		if !d.Summary.count(c.Action) {
			continue
		}
		out := change{Action: c.Action, Object: c.Key, Version: c.Version, Reason: c.Reason}
		if c.Desired != nil {
			out.Origin = c.Desired.Origin
		}
		for _, f := range c.Diffs {
			out.Fields = append(out.Fields, fieldDiff(f))
		}
		d.Changes = append(d.Changes, out)
	}
	return d
}

// count adds an action to the summary and reports whether it changes anything.
func (s *summary) count(a model.Action) bool {
	switch a {
	case model.ActionCreate:
		s.Create++
	case model.ActionUpdate, model.ActionRepair:
		s.Change++
	case model.ActionAdopt:
		s.Adopt++
	case model.ActionPrune:
		s.Delete++
	case actionLetGo:
	case model.ActionConflict:
		s.Conflict++
	default:
		s.Unchanged++
		return false
	}
	return true
}

// text is "2 to change, 1 to create, 0 to delete", and what else there is.
func (s *summary) text() string {
	t := fmt.Sprintf("%d to change, %d to create, %d to delete", s.Change, s.Create, s.Delete)
	if s.Adopt > 0 {
		t += fmt.Sprintf(", %d to take over", s.Adopt)
	}
	if s.Conflict > 0 {
		t += fmt.Sprintf(", %d refused", s.Conflict)
	}
	return t
}

// signs stand before each change; words beside them say the same.
var signs = map[model.Action]struct {
	sign, word string
	style      output.Style
}{
	model.ActionCreate:   {"+", "create", output.Good},
	model.ActionUpdate:   {"~", "change", output.Busy},
	model.ActionRepair:   {"~", "repair", output.Busy},
	model.ActionAdopt:    {"~", "take over", output.Busy},
	model.ActionPrune:    {"-", "delete", output.Bad},
	actionLetGo:          {"~", "let go", output.Quiet},
	model.ActionConflict: {"!", "refused", output.Bad},
}

func (o *Options) print(v *releases.View, d document) error {
	if _, err := io.WriteString(o.IO.Out, text(v.Short(), o.IO.OutPaint(), d)); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}

// Text is a plan of the named release as people read it, ending with a newline.
func Text(name string, paint output.Paint, p *model.Plan) string {
	return text(name, paint, newDocument(p))
}

// Document is a plan as programs read it.
func Document(p *model.Plan) any { return newDocument(p) }

func text(name string, paint output.Paint, d document) string {
	name = output.Clean(name)
	var b strings.Builder
	for _, c := range d.Changes {
		printChange(&b, paint, c)
	}
	for _, h := range d.Hooks {
		fmt.Fprintf(&b, "> %-9s %s  %s\n", "run", output.Clean(h.Object.Short()), paint.Text(output.Quiet, output.Clean(h.Event)+" hook"))
	}
	if len(d.Changes) == 0 {
		return b.String() + fmt.Sprintf("%s: no difference (objects: %d)\n", name, d.Summary.Unchanged)
	}
	fmt.Fprintf(&b, "\n%s: %s\n", name, d.Summary.text())
	return b.String()
}

func printChange(w io.Writer, paint output.Paint, c change) {
	s := signs[c.Action]
	head := fmt.Sprintf("%s %-9s %s", s.sign, s.word, c.Object)
	if c.Object.Namespace != "" {
		head += " (" + c.Object.Namespace + ")"
	}
	fmt.Fprint(w, paint.Text(s.style, output.Clean(head)))
	if c.Reason != "" {
		fmt.Fprint(w, "  ", output.Clean(c.Reason))
	}
	if c.Origin.File != "" {
		at := c.Origin.File
		if c.Origin.Line > 0 {
			at = fmt.Sprintf("%s:%d", at, c.Origin.Line)
		}
		fmt.Fprint(w, "  ", paint.Text(output.Quiet, output.Clean(at)))
	}
	fmt.Fprintln(w)
	if c.Action == model.ActionCreate || c.Action == model.ActionPrune {
		return // all of it: the object's name says that
	}
	for _, f := range c.Fields {
		fmt.Fprintf(w, "    %s\n", output.Clean(f.Path))
		for _, l := range fieldLines(f) {
			style := map[rune]output.Style{'-': output.Bad, '+': output.Good, ' ': output.Quiet}[l.sign]
			fmt.Fprintf(w, "      %s\n", paint.Text(style, string(l.sign)+" "+output.Clean(l.text)))
		}
	}
}

// fieldLines are the lines by which a field differs.
func fieldLines(f fieldDiff) []line {
	return compare(lines(f.Old), lines(f.New))
}
