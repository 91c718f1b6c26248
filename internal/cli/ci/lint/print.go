package lint

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/ci/lint"
	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// document is what -o json prints.
type document struct {
	cli.Header
	Files    []string  `json:"files"` // that were read
	Summary  summary   `json:"summary"`
	Findings []finding `json:"findings"`
}

type summary struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Info    int `json:"info"`
	Ignored int `json:"ignored"` // accepted by a comment
}

type finding struct {
	lint.Finding
	Why string `json:"why,omitempty"`
	Fix string `json:"fix,omitempty"`
}

func newDocument(res lint.Result) document {
	d := document{Header: cli.NewHeader("PipelineFindings"), Files: res.Files, Findings: []finding{}}
	d.Summary.Ignored = res.Ignored
	rules := byID()
	for _, f := range res.Findings {
		switch f.Severity {
		case lint.Error:
			d.Summary.Error++
		case lint.Warning:
			d.Summary.Warning++
		case lint.Info:
			d.Summary.Info++
		}
		r := rules[f.Rule]
		d.Findings = append(d.Findings, finding{Finding: f, Why: r.Why, Fix: strings.TrimPrefix(r.Fix[f.Provider], "\n")})
	}
	return d
}

func byID() map[string]lint.Rule {
	out := map[string]lint.Rule{}
	for _, r := range lint.Rules() {
		out[r.ID] = r
	}
	return out
}

func (s summary) text(files []string) string {
	if s.Error+s.Warning+s.Info == 0 {
		t := "nothing found in " + strings.Join(files, ", ")
		if s.Ignored > 0 {
			t += fmt.Sprintf(" (%d accepted by comments)", s.Ignored)
		}
		return t
	}
	t := fmt.Sprintf("%d errors, %d warnings, %d notes", s.Error, s.Warning, s.Info)
	if s.Ignored > 0 {
		t += fmt.Sprintf(", %d accepted by comments", s.Ignored)
	}
	return t
}

func (o *Options) print(res lint.Result) error {
	d := newDocument(res)
	switch {
	case o.Format.Structured():
		return o.Format.Write(o.IO.Out, d)
	case o.Format.Is(output.FormatName):
		for _, f := range d.Findings {
			if err := o.IO.Line(fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Rule)); err != nil {
				return err
			}
		}
		return nil
	}
	t := &output.Table{
		Columns: []output.Column{{Name: "WHERE"}, {Name: "SEVERITY", Style: style}, {Name: "RULE"}, {Name: "WHAT"}},
		Width:   o.IO.Width, Paint: o.IO.OutPaint(),
	}
	var rows [][]string
	for _, f := range d.Findings {
		rows = append(rows, []string{report.Defused(fmt.Sprintf("%s:%d", f.File, f.Line)), string(f.Severity), f.Rule, report.Defused(f.Message)})
	}
	if len(rows) > 0 {
		if err := t.Write(o.IO.Out, rows...); err != nil {
			return err
		}
	}
	if !o.Brief {
		if err := o.explain(d.Findings); err != nil {
			return err
		}
	}
	o.IO.Say("%s", d.Summary.text(d.Files))
	return nil
}

// explain tells of each rule once why it matters and what to write instead, the gravest first.
func (o *Options) explain(findings []finding) error {
	paint := o.IO.OutPaint()
	told := map[string]bool{}
	for _, severity := range []lint.Severity{lint.Error, lint.Warning, lint.Info} {
		for _, f := range findings {
			if f.Severity != severity || told[f.Rule] || f.Fix == "" {
				continue
			}
			told[f.Rule] = true
			_, err := fmt.Fprintf(o.IO.Out, "\n%s\n%s%s\n", paint.Text(output.Strong, f.Rule), wrapped(f.Why, o.IO.Width), indented(f.Fix))
			if err != nil {
				return fmt.Errorf("writing the output: %w", err)
			}
		}
	}
	return nil
}

// wrapped breaks text at the width of the terminal, 100 where there is none.
func wrapped(s string, width int) string {
	if width <= 0 || width > 100 {
		width = 100
	}
	var b strings.Builder
	line := " "
	for _, w := range strings.Fields(s) {
		if len(line)+1+len(w) > width && line != " " {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + w
	}
	return b.String() + line + "\n"
}

func indented(s string) string {
	return "      " + strings.ReplaceAll(s, "\n", "\n      ")
}

func style(severity string) output.Style {
	switch lint.Severity(severity) {
	case lint.Error:
		return output.Bad
	case lint.Warning:
		return output.Busy
	}
	return output.Quiet
}
