package observe

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	words "github.com/fairlead-cd/fairlead/internal/report"
)

// GitHub groups the parts of a run in a GitHub job's log, marks what failed where it is written, and
// adds to the job's summary.
type GitHub struct {
	w       io.Writer
	summary func(string) error
	open    bool
}

// NewGitHub makes the observer of one run. w is the log, without a Defuser; summary adds Markdown to
// the job's summary, nil where there is none.
func NewGitHub(w io.Writer, summary func(string) error) *GitHub {
	return &GitHub{w: w, summary: summary}
}

// Step is part of deploy.Observer.
func (g *GitHub) Step(s deploy.Step) {
	g.end()
	report.OpenGroup(g.w, titles[s])
	g.open = true
}

// Planned is part of deploy.Observer.
func (g *GitHub) Planned(model.Plan) {}

// Progress is part of deploy.Observer.
func (g *GitHub) Progress(model.ObjectHealth) {}

// Finished is part of deploy.Observer.
func (g *GitHub) Finished(r deploy.Result) {
	g.end()
	report.Annotate(g.w, annotations(&r))
	if g.summary == nil {
		return
	}
	if err := g.summary(summaryOf(&r)); err != nil {
		report.Annotation{Title: "The summary is missing", Text: "writing the summary of the job: " + err.Error()}.Write(g.w)
	}
}

func (g *GitHub) end() {
	if g.open {
		report.CloseGroup(g.w)
		g.open = false
	}
}

// annotations are one for each cause of a failure, or one for the error where no object is the cause.
func annotations(r *deploy.Result) []report.Annotation {
	if r.OK() {
		return nil
	}
	var out []report.Annotation
	for i := range r.Outcome.Verdict.Causes {
		c := &r.Outcome.Verdict.Causes[i]
		a := report.Annotation{
			Title: r.Release.Name + ": " + c.Object.Short() + " " + c.Summary,
			Text:  c.Root(),
		}
		a.File, a.Line = written(r, c.Object)
		out = append(out, a)
	}
	if len(out) > 0 {
		return out
	}
	a := report.Annotation{Title: r.Release.Name + " failed", Text: r.Err.Error()}
	var e *model.Error
	if errors.As(r.Err, &e) && e.File != "" {
		a.File, a.Line = inRepository(r, e.File), e.Line
	}
	return []report.Annotation{a}
}

// written is where an object is written in the repository, as far as that is known.
func written(r *deploy.Result, key model.ObjectKey) (string, int) {
	for _, c := range r.Outcome.Plan.Changes() {
		if c.Key == key && c.Desired != nil && c.Desired.Origin.File != "" {
			if file := inRepository(r, c.Desired.Origin.File); file != "" {
				return file, c.Desired.Origin.Line
			}
		}
	}
	return "", 0
}

// inRepository is a file of a chart or folder that was given as a path below where the command ran,
// which in a build is the repository's root; "" for what came from elsewhere.
func inRepository(r *deploy.Result, file string) string {
	dir := r.Release.Source.URL
	if r.Release.Source.Kind != model.SourceDir || path.IsAbs(dir) || strings.Contains(dir, "://") || strings.HasPrefix(path.Clean(dir), "..") ||
		strings.HasSuffix(dir, ".tgz") {
		return ""
	}
	return path.Join(dir, file)
}

// maxSummary is half of what GitHub takes from one step.
const maxSummary = 512 << 10

// summaryOf is what a run did, in Markdown.
func summaryOf(r *deploy.Result) string {
	var b strings.Builder
	name := report.Markdown(r.Release.Namespace + "/" + r.Release.Name)
	fmt.Fprintf(&b, "### %s %s\n\n", mark(r), name+": "+headline(r))
	rows := objects(r)
	if len(rows) > 0 {
		b.WriteString("| object | change | health |\n|---|---|---|\n")
		for _, o := range rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", report.Markdown(o.key.Short()), report.Markdown(o.action), report.Markdown(strings.TrimSpace(o.health+" "+o.message)))
			if b.Len() > maxSummary/2 {
				b.WriteString("| … | | |\n")
				break
			}
		}
		b.WriteByte('\n')
	}
	if r.Failure != nil {
		text := r.Failure.Text(words.Style{Width: 100})
		if len(text) > maxSummary/2 {
			text = text[len(text)-maxSummary/2:] // the cause comes last
		}
		b.WriteString(report.Fenced(text) + "\n")
	}
	return b.String()
}

func mark(r *deploy.Result) string {
	if r.OK() {
		return "✅"
	}
	return "❌"
}

// headline is what came of a run, in a few words of our own.
func headline(r *deploy.Result) string {
	took := r.Ended.Sub(r.Started).Round(time.Second)
	done := map[deploy.Verb]string{
		deploy.VerbDeploy: "deployed", deploy.VerbApply: "applied", deploy.VerbRollback: "rolled back", deploy.VerbUninstall: "uninstalled",
	}[r.Verb]
	switch {
	case !r.OK():
		text := fmt.Sprintf("%s failed after %s", r.Verb, took)
		if r.Failure != nil && r.Failure.Rollback != nil {
			text += rolledBack(r.Failure.Rollback)
		}
		return text
	case r.DryRun:
		return "planned, nothing was changed"
	case r.Unchanged:
		return fmt.Sprintf("unchanged, revision %d", r.Revision)
	case r.Revision > 0:
		return fmt.Sprintf("%s, revision %d, after %s", done, r.Revision, took)
	}
	return fmt.Sprintf("%s after %s", done, took)
}

func rolledBack(r *words.Rollback) string {
	switch {
	case r.Err != nil:
		return ", and so did going back"
	case r.Revision == 0:
		return ", and was removed again"
	}
	return fmt.Sprintf(", revision %d runs again", r.Revision)
}
