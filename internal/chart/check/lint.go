package check

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// lintPatience is how long Helm's lint may take: it executes templates in this process, where
// nothing can stop them. Renders in the worker are bounded by themselves.
const lintPatience = 60 * time.Second

// lint asks Helm's own lint, as `helm lint --strict` does. Schemas are judged elsewhere, without
// following references to files and hosts.
func (r *run) lint(version string) []Finding {
	dir := r.subject.dir
	if dir == "" {
		tmp, err := os.MkdirTemp("", "fairlead-chart-")
		if err != nil {
			return []Finding{{Rule: "lint", Severity: Warning, Message: "no folder to unpack the chart into: " + err.Error()}}
		}
		defer os.RemoveAll(tmp)
		if err := util.ExpandFile(tmp, filepath.Join(r.subject.artifact.Dir, r.subject.artifact.Path)); err != nil {
			return []Finding{{Rule: "lint", Message: "unpacking: " + err.Error()}}
		}
		dir = filepath.Join(tmp, r.subject.chart.Name())
	}
	var options []lint.LinterOption
	if v, err := common.ParseKubeVersion("v" + version); err == nil {
		options = append(options, lint.WithKubeVersion(v))
	}
	options = append(options, lint.WithSkipSchemaValidation(true))
	result := lint.RunAll(dir, map[string]any{}, r.Namespace, options...)
	var all []Finding
	for _, m := range result.Messages {
		if f, ok := r.lintFinding(dir, m); ok {
			all = append(all, f)
		}
	}
	return all
}

var (
	lintLine  = pattern.New(`\(([^():]+):(\d+)(?::\d+)?\)`)
	yamlLines = pattern.New(`line (\d+)`)
)

func (r *run) lintFinding(dir string, m support.Message) (Finding, bool) {
	f := Finding{Rule: "lint", File: strings.TrimSuffix(filepath.ToSlash(m.Path), "/"), Message: m.Err.Error()}
	if f.Severity = Error; m.Severity < support.WarningSev {
		f.Severity = Info // strictly, as `helm lint --strict`, a warning is an error
	}
	if rel, err := filepath.Rel(dir, f.File); err == nil && filepath.IsAbs(f.File) {
		f.File = filepath.ToSlash(rel)
	}
	if f.File == "." {
		f.File = ""
	}
	f.Message = manifest.OneLine(strings.ReplaceAll(f.Message, dir+string(os.PathSeparator), ""))
	if at := lintLine.FindStringSubmatch(f.Message); at != nil {
		f.File = strings.TrimPrefix(at[1], r.subject.chart.Name()+"/")
		f.Line, _ = strconv.Atoi(at[2])
	} else if at := yamlLines.FindStringSubmatch(f.Message); at != nil && strings.HasSuffix(f.File, ".yaml") && !strings.HasPrefix(f.File, "templates/") {
		f.Line, _ = strconv.Atoi(at[1])
	}
	return f, true
}

// awaitLint adds what lint found, but for what renders have told already.
func (r *run) awaitLint(ctx context.Context, linted <-chan []Finding) error {
	if r.stuck.Load() > 0 {
		return nil // rendering has told why nobody should wait
	}
	timer := time.NewTimer(lintPatience)
	defer timer.Stop()
	var all []Finding
	select {
	case all = <-linted:
	case <-timer.C:
		r.found.add(Finding{Rule: "lint", Severity: Warning, File: "Chart.yaml", Message: "Helm's lint did not end within " + lintPatience.String()})
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	renders := slices.ContainsFunc(r.results, func(res result) bool { return res.err == nil })
	defaults := len(r.results) > 0 && r.results[0].err != nil
	incomplete := defaults && model.ReasonOf(r.results[0].err, "") == "MissingDependency"
	for _, f := range all {
		if incomplete && (strings.HasPrefix(f.File, "templates") || strings.Contains(f.Message, "missing these dependencies")) {
			continue // it follows from what rendering has told
		}
		if strings.HasPrefix(f.File, "templates") && defaults && f.Severity == Error {
			// The same failure, told with its cause; or defaults that are refused on purpose.
			if renders || r.toldAlready(f) {
				continue
			}
		}
		if r.toldBetter(f) {
			continue
		}
		if renders && strings.Contains(f.Message, "missing these dependencies") {
			f.Severity, f.Fix = Info, "Fairlead finds them beside the chart; for Helm itself run `helm dependency build`"
		}
		r.found.add(f)
	}
	return nil
}

func (r *run) toldAlready(f Finding) bool {
	return slices.ContainsFunc(r.found.sorted(), func(o Finding) bool {
		return o.Rule != "lint" && (o.File == f.File && o.Line == f.Line || o.File != "" && strings.Contains(f.Message, o.File))
	})
}

// toldBetter: lint's word on deprecated APIs and names is ours, by the same tables, with a line.
func (r *run) toldBetter(f Finding) bool {
	var rules []string
	switch {
	case strings.Contains(f.Message, "is deprecated"):
		rules = []string{"deprecated-api", "removed-api"}
	case strings.Contains(f.Message, "object name does not conform"):
		rules = []string{"name-invalid", "name-length"}
	}
	return slices.ContainsFunc(r.found.sorted(), func(o Finding) bool {
		return slices.Contains(rules, o.Rule) && o.File == f.File
	})
}
