package observe

import (
	"io"
	"time"

	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// titles are what the parts of a run are called in a log.
var titles = map[deploy.Step]string{
	deploy.StepPlan: "Plan", deploy.StepRun: "Deploying", deploy.StepRollback: "Going back",
}

// GitLab folds the parts of a run in a GitLab job's log. What failed stands after the last section,
// where nobody has to unfold anything.
type GitLab struct {
	w       io.Writer
	now     func() time.Time
	section *report.Section
}

// NewGitLab makes the observer of one run; w is the log.
func NewGitLab(w io.Writer, now func() time.Time) *GitLab { return &GitLab{w: w, now: now} }

// Step is part of deploy.Observer.
func (g *GitLab) Step(s deploy.Step) {
	g.end()
	section := report.OpenSection(g.w, string(s), titles[s], g.now())
	g.section = &section
}

// Planned is part of deploy.Observer.
func (g *GitLab) Planned(model.Plan) {}

// Progress is part of deploy.Observer.
func (g *GitLab) Progress(model.ObjectHealth) {}

// Finished is part of deploy.Observer.
func (g *GitLab) Finished(deploy.Result) { g.end() }

func (g *GitLab) end() {
	if g.section != nil {
		g.section.Close(g.w, g.now())
		g.section = nil
	}
}
