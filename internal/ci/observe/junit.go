package observe

import (
	"io"

	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	words "github.com/fairlead-cd/fairlead/internal/report"
)

// JUnit writes a report with a case for the run and one for each object.
type JUnit struct {
	target report.Target
	failed func(error)
}

// NewJUnit makes the observer of one run, and the file: that it cannot be written is known before
// anything is deployed, and what it holds is true for a run that is killed. failed is told when it
// cannot be written at the end.
func NewJUnit(t report.Target, failed func(error)) (*JUnit, error) {
	err := t.Write(func(w io.Writer) error {
		return report.WriteJUnit(w, report.Suite{Name: "fairlead", Cases: []report.Case{{
			Class: "fairlead", Name: "run", Kind: "NotFinished", Failure: "the run was ended before it was done",
		}}})
	})
	if err != nil {
		return nil, err
	}
	return &JUnit{target: t, failed: failed}, nil
}

// Step is part of deploy.Observer.
func (*JUnit) Step(deploy.Step) {}

// Planned is part of deploy.Observer.
func (*JUnit) Planned(model.Plan) {}

// Progress is part of deploy.Observer.
func (*JUnit) Progress(model.ObjectHealth) {}

// Finished is part of deploy.Observer.
func (j *JUnit) Finished(r deploy.Result) {
	err := j.target.Write(func(w io.Writer) error { return report.WriteJUnit(w, Suite(&r)) })
	if err != nil {
		j.failed(err)
	}
}

// Suite is a run as a JUnit suite.
func Suite(r *deploy.Result) report.Suite {
	name := r.Release.Namespace + "/" + r.Release.Name
	run := report.Case{Class: name, Name: string(r.Verb), After: r.Ended.Sub(r.Started)}
	if !r.OK() {
		run.Failure, run.Kind = r.Err.Error(), model.ReasonOf(r.Err, r.Outcome.Verdict.Reason)
		if r.Failure != nil {
			run.Detail = r.Failure.Text(words.Style{Width: -1})
		}
	}
	s := report.Suite{Name: "fairlead " + string(r.Verb) + " " + name, Cases: []report.Case{run}}
	for _, o := range objects(r) {
		c := report.Case{Class: name, Name: o.key.Short()}
		c.File, c.Line = written(r, o.key)
		switch {
		case o.cause != nil:
			c.Failure, c.Kind = o.cause.Root(), o.cause.Reason
			c.Detail = words.Causes([]model.Cause{*o.cause}, words.Style{Width: -1})
		case o.err != nil:
			c.Failure, c.Kind = o.err.Error(), model.ReasonOf(o.err, "")
		case !r.OK() && o.unhealthy():
			c.Failure, c.Kind = o.health+" "+o.message, o.health
		case o.skipped:
			c.Skipped = "not started: the run ended before"
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}
