package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// goldenDir is where a chart's golden files are, below its folder.
const goldenDir = "tests/golden"

// changing stands in golden files for a line that is another at each render: a random password, a
// date.
const changing = "# differs at each render"

// golden compares what the defaults and the values files render with what they rendered when someone
// last looked, or writes it down. Secrets' values are left out.
func (r *run) golden(ctx context.Context) error {
	dir, shown := r.Golden, r.Golden
	if dir == "" {
		if r.subject.dir == "" {
			return nil
		}
		dir, shown = filepath.Join(r.subject.dir, filepath.FromSlash(goldenDir)), goldenDir
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !r.Update {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for golden files: %w", err)
	}
	kept := map[string]bool{}
	for _, res := range r.results {
		if res.err != nil || res.schema != 0 || res.of.Kind != CaseDefaults && res.of.Kind != CaseValues {
			continue
		}
		text, err := r.snapshot(ctx, res)
		if err != nil {
			return err
		}
		name := goldenName(res.of.Name)
		kept[name] = true
		if r.Update {
			if err := writeGolden(dir, name, text); err != nil {
				return err
			}
			continue
		}
		if err := r.compare(dir, shown, name, text, res.of.Name); err != nil {
			return err
		}
	}
	return r.stale(dir, shown, kept)
}

// goldenName is the file of a case: its values file's name, without slashes.
func goldenName(name string) string {
	name = strings.ReplaceAll(strings.Trim(filepath.ToSlash(filepath.Clean(name)), "/."), "/", "-")
	return strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml") + ".golden.yaml"
}

// snapshot is the text of a golden file. Rendering a second time shows what never stays the same.
func (r *run) snapshot(ctx context.Context, res result) (string, error) {
	first, err := goldenText(res.rendered)
	if err != nil {
		return "", err
	}
	again := r.one(ctx, res.of, res.schema)
	if again.err != nil {
		return "", fmt.Errorf("rendering %s again: %w", res.of.Name, again.err)
	}
	second, err := goldenText(again.rendered)
	if err != nil || first == second {
		return first, err
	}
	a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
	if len(a) != len(b) {
		r.found.add(Finding{Rule: "golden", Severity: Warning, File: "values.yaml", Message: "the chart renders another number of lines each time: nothing to compare",
			Fix: "make it render the same for the same values", Cases: []string{res.of.Name}})
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			a[i] = a[i][:len(a[i])-len(strings.TrimLeft(a[i], " "))] + changing
		}
	}
	return strings.Join(a, "\n"), nil
}

func goldenText(rendered model.Rendered) (string, error) {
	var b strings.Builder
	for _, o := range slices.Concat(rendered.Objects, rendered.Hooks) {
		parsed, err := newObject(o)
		if err != nil {
			return "", err
		}
		if o.Key.Group == "" && o.Key.Kind == "Secret" {
			for _, part := range []string{"data", "stringData"} {
				for key := range mapAt(parsed.Body, part) {
					mapAt(parsed.Body, part)[key] = "[hidden]"
				}
			}
		}
		text, err := yaml.Marshal(parsed.Body)
		if err != nil {
			return "", fmt.Errorf("writing %s: %w", o.Key.Short(), err)
		}
		fmt.Fprintf(&b, "---\n# Source: %s\n%s", o.Origin.File, text)
	}
	return b.String(), nil
}

func writeGolden(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of golden files: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing a golden file: %w", err)
	}
	return nil
}

func (r *run) compare(dir, shown, name, text, of string) error {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		r.found.add(Finding{Rule: "golden", File: shown + "/" + name, Message: "there is no golden file for " + of,
			Fix: "fairlead chart test --update writes it", Cases: []string{of}})
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a golden file: %w", err)
	}
	defer f.Close()
	want, err := readAll(f, name)
	if err != nil {
		return err
	}
	if line, what, same := firstDifference(string(want), text); !same {
		r.found.add(Finding{Rule: "golden", File: shown + "/" + name, Line: line, Message: what, Cases: []string{of}})
	}
	return nil
}

// firstDifference tells the first line at which two texts part, with the object it belongs to, and
// how many lines differ in all.
func firstDifference(want, got string) (line int, what string, same bool) {
	if want == got {
		return 0, "", true
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	i, source := 0, ""
	for i < len(a) && i < len(b) && a[i] == b[i] {
		if s, ok := strings.CutPrefix(a[i], "# Source: "); ok {
			source = s
		}
		i++
	}
	at := func(lines []string) string {
		if i >= len(lines) || strings.TrimSpace(lines[i]) == "" {
			return "the end"
		}
		return fmt.Sprintf("%q", strings.TrimSpace(lines[i]))
	}
	what = fmt.Sprintf("it has %s where the chart now renders %s", at(a), at(b))
	if source != "" {
		what += " (" + source + ")"
	}
	if more := differing(a[i:], b[i:]); more > 1 {
		what += fmt.Sprintf("; %d lines differ", more)
	}
	return i + 1, what, false
}

// differing counts the lines that only one of two texts has, the larger side.
func differing(a, b []string) int {
	count := map[string]int{}
	for _, l := range a {
		count[l]++
	}
	added := 0
	for _, l := range b {
		if count[l] > 0 {
			count[l]--
		} else {
			added++
		}
	}
	gone := 0
	for _, n := range count {
		gone += n
	}
	return max(added, gone)
}

// stale tells of golden files of values files that are no more, or removes them.
func (r *run) stale(dir, shown string, kept map[string]bool) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.golden.yaml"))
	if err != nil {
		return fmt.Errorf("listing golden files: %w", err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		switch {
		case kept[name]:
		case r.Update:
			if err := os.Remove(f); err != nil {
				return fmt.Errorf("removing an old golden file: %w", err)
			}
		default:
			r.found.add(Finding{Rule: "golden", Severity: Warning, File: shown + "/" + name, Message: "no values file belongs to it",
				Fix: "fairlead chart test --update removes it"})
		}
	}
	verb := "compared"
	if r.Update {
		verb = "written"
	}
	r.report.Golden = fmt.Sprintf("%s %d", verb, len(kept))
	return nil
}
