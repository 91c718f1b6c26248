package test

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// word is how a severity is written, with a sign for those who skim.
func word(s check.Severity) (string, output.Style) {
	switch s {
	case check.Error:
		return "✗ error", output.Bad
	case check.Warning:
		return "! warning", output.Busy
	}
	return "· note", output.Quiet
}

// print writes the report for people: by file, and in it by place.
func (o *Options) print(r *check.Report, note string) error {
	p := o.IO.OutPaint()
	var b strings.Builder
	var last *check.Finding
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == check.Info && !o.Notes {
			continue
		}
		if last == nil || last.File != f.File {
			if last != nil {
				b.WriteByte('\n')
			}
			b.WriteString(p.Text(output.Strong, output.Clean(o.shown(f.File))) + "\n")
		}
		if last == nil || last.File != f.File || !samePlace(last, f) {
			writePlace(&b, p, f)
		}
		writeFinding(&b, p, f)
		last = f
	}
	if last != nil {
		b.WriteByte('\n')
	}
	o.summary(&b, p, r, note)
	if _, err := io.WriteString(o.IO.Out, b.String()); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}

// samePlace reports whether two findings can stand below one head.
func samePlace(a, b *check.Finding) bool {
	return a.Line == b.Line && a.Near == b.Near && a.Object == b.Object && a.Value == b.Value && with(a.Cases) == with(b.Cases)
}

// shown is a file of the chart as one finds it from here.
func (o *Options) shown(file string) string {
	base := filepath.Clean(o.Check.Path)
	if rel, err := filepath.Rel(o.here, base); err == nil && filepath.IsAbs(base) && filepath.IsLocal(rel) {
		base = rel // build services look for files from where they run
	}
	base = filepath.ToSlash(base)
	if file == "" || file == path.Base(base) && strings.HasSuffix(base, ".tgz") {
		return base
	}
	return path.Join(base, file)
}

// writePlace writes where it is and which values lead there.
func writePlace(b *strings.Builder, p output.Paint, f *check.Finding) {
	line := "-"
	if f.Line > 0 {
		line = strconv.Itoa(f.Line)
		if f.Near {
			line = "~" + line
		}
	}
	var parts []string
	for _, part := range []string{f.Object, prefixed("value ", f.Value), prefixed("with ", with(f.Cases))} {
		if part != "" {
			parts = append(parts, output.Clean(part))
		}
	}
	fmt.Fprintf(b, "%6s  %s\n", line, p.Text(output.Quiet, strings.Join(parts, ", ")))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func writeFinding(b *strings.Builder, p output.Paint, f *check.Finding) {
	sign, style := word(f.Severity)
	fmt.Fprintf(b, "        %s  %s  %s\n", p.Text(style, sign), output.Clean(f.Message), p.Text(output.Quiet, "["+f.Rule+"]"))
	if f.Fix != "" {
		fmt.Fprintf(b, "          %s  %s\n", p.Text(output.Quiet, "fix"), output.Clean(f.Fix))
	}
}

// mostCases are named.
const mostCases = 2

// with is which values lead to a finding, where it is not the defaults already.
func with(cases []string) string {
	if len(cases) == 0 || cases[0] == "values.yaml" {
		return ""
	}
	if len(cases) <= mostCases {
		return strings.Join(cases, "; ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(cases[:mostCases], "; "), len(cases)-mostCases)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func (o *Options) summary(b *strings.Builder, p output.Paint, r *check.Report, note string) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "%s  %s\n", p.Text(output.Quiet, fmt.Sprintf("%-10s", name)), output.Clean(fmt.Sprintf(format, args...)))
	}
	name := strings.TrimSpace(r.Chart + " " + r.Version)
	if name == "" {
		name = r.Path
	}
	errs, warnings, notes := r.Count(check.Error), r.Count(check.Warning), r.Count(check.Info)
	if errs+warnings == 0 {
		b.WriteString(p.Text(output.Good, "✓ "+output.Clean(name)+": nothing found") + "\n")
	} else {
		style := output.Busy
		if errs > 0 {
			style = output.Bad
		}
		b.WriteString(p.Text(style, "✗ "+output.Clean(name)+": "+count(errs, "error", "errors")+", "+count(warnings, "warning", "warnings")) + "\n")
	}
	if len(r.Cases) > 0 {
		line("rendered", "%s of values (%s, %s flipped), %s, %s that differ, in %.1f s", count(len(r.Cases), "set", "sets"),
			count(r.ValuesFiles, "values file", "values files"), count(r.Toggles, "toggle", "toggles"), count(r.Renders, "render", "renders"),
			count(r.Objects, "object", "objects"), r.Seconds)
	}
	if refused := countStatus(r, check.StatusRefused); refused > 0 {
		line("refused", "%s by the chart itself, as it should (--notes says which)", count(refused, "set", "sets"))
	}
	if len(r.Kubernetes) > 0 {
		line("kubernetes", "%s", strings.Join(r.Kubernetes, ", "))
	}
	if r.Server != "" {
		line("cluster", "%s was asked about %s", r.Server, count(r.Tried, "object", "objects"))
		for _, s := range r.NotTried {
			line("", "not about %s", s)
		}
	} else if note != "" {
		line("cluster", "%s", note)
	}
	if r.Golden != "" {
		line("golden", "%s", r.Golden)
	}
	if len(r.Skipped) > 0 {
		line("not judged", "%s: no definition; --crd names a folder of them", strings.Join(r.Skipped, ", "))
	}
	if len(r.Left) > 0 {
		line("left out", "%s, from %s on: there are too many (--max-cases makes room), or renders that do not end", count(len(r.Left), "set", "sets"), r.Left[0])
	}
	if len(r.Suppressed) > 0 {
		line("suppressed", "%s: %s", count(len(r.Suppressed), "finding", "findings"), suppressed(r))
	}
	if notes > 0 && !o.Notes {
		line("notes", "%d; --notes prints them", notes)
	}
}

func countStatus(r *check.Report, status string) int {
	n := 0
	for _, c := range r.Cases {
		if c.Status == status {
			n++
		}
	}
	return n
}

// suppressed names the rules, each once with its reason.
func suppressed(r *check.Report) string {
	var parts []string
	for _, s := range r.Suppressed {
		part := s.Rule + " (" + s.Reason + ")"
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
