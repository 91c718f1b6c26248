package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/report"
)

// failure is the report of what went wrong.
func (j *job) failure() *report.Failure {
	r, out := &j.res, &j.res.Outcome
	rel := r.Release
	f := &report.Failure{
		Release: rel.Namespace + "/" + rel.Name, After: r.Ended.Sub(r.Started), From: r.Before,
		Causes: out.Verdict.Causes, Next: fmt.Sprintf("fairlead why %s -n %s", rel.Name, rel.Namespace),
	}
	if out.Record != nil {
		f.To = out.Record.Revision
	}
	if out.Chart != nil {
		f.Commit = out.Chart.Name + "-" + out.Chart.Version
	}
	if out.Err != nil || len(f.Causes) == 0 {
		f.Err = r.Err
	}
	if len(out.Results) > 0 {
		f.Counts = report.CountsOf(out.Results, out.Verdict.Causes)
	}
	switch back := out.RolledBack; {
	case back != nil:
		f.Rollback = rollbackOf(back)
		if f.Rollback.Err == nil {
			f.Next = fmt.Sprintf("fairlead history %s -n %s", rel.Name, rel.Namespace)
			if f.Rollback.Revision == 0 {
				f.Next = "correct it and run this again"
			}
		}
	default:
		f.Note, f.Next = j.note(), j.next()
	}
	if lost := j.lost(); len(lost) > 0 {
		f.Note = strings.TrimPrefix(f.Note+"; deleted, and not made again: "+strings.Join(lost, ", "), "; ")
	}
	return f
}

func rollbackOf(back *pipeline.Outcome) *report.Rollback {
	b := &report.Rollback{Revision: back.Request.Target, Status: back.Verdict.Status, After: back.Ended.Sub(back.Started), Err: back.Err}
	if back.Request.Mode == pipeline.ModeUninstall {
		b.Revision = 0
	}
	for _, c := range back.Plan.Changes() {
		if c.Reason == pipeline.ReasonLetGo {
			b.Kept = append(b.Kept, c.Key.Short())
		}
	}
	if b.Err == nil && b.Revision > 0 && b.Status != model.Healthy {
		b.Err = errors.New(back.Verdict.Message)
	}
	return b
}

// note says what runs now.
func (j *job) note() string {
	out := &j.res.Outcome
	changed := false
	for i := range out.Results {
		r := &out.Results[i]
		changed = changed || r.Err == nil && !r.Skipped && r.Change.Action != model.ActionUnchanged
	}
	changed = changed || len(j.deleted) > 0
	switch {
	case j.healthy() && out.Record != nil:
		return fmt.Sprintf("revision %d is deployed and healthy: only its history is not in order", out.Record.Revision)
	case j.healthy():
		return "what was applied stays and is healthy, and no revision records it"
	case errors.Is(j.res.Err, context.Canceled) && changed:
		return "what was applied stays; nothing is recorded"
	case !changed && j.res.Before > 0:
		return fmt.Sprintf("nothing was changed: revision %d still runs", j.res.Before)
	case !changed:
		return "nothing was changed"
	case j.req.Verb == VerbUninstall:
		return "not all of it is removed"
	case out.Record != nil && j.neverGood:
		return fmt.Sprintf("not rolled back, for no revision was ever good: what was applied stays, as failed revision %d", out.Record.Revision)
	case out.Record != nil:
		return fmt.Sprintf("what was applied stays, as failed revision %d", out.Record.Revision)
	}
	return "what was applied stays"
}

// healthy reports whether all that went wrong is the record.
func (j *job) healthy() bool {
	out := &j.res.Outcome
	return out.Stage == pipeline.StageRecord && out.Verdict.Status == model.Healthy
}

// next is what to do where the cause does not say: never to look at a release that is not there.
func (j *job) next() string {
	rel, out := j.res.Release, &j.res.Outcome
	var e *model.Error
	switch {
	case errors.Is(j.res.Err, context.Canceled):
		return "run the same command again: it goes on from what is there"
	case j.healthy() && !(errors.As(j.res.Err, &e) && e.Next != ""):
		return "run this again when that is mended"
	case j.healthy():
		return e.Next
	case (out.Record == nil || out.Record.Unapplied()) && len(out.Verdict.Causes) > 0 && out.Verdict.Causes[0].Next != "":
		return out.Verdict.Causes[0].Next
	case out.Record == nil && errors.As(j.res.Err, &e) && e.Next != "":
		return e.Next
	case out.Record != nil && good(j.history) > 0:
		return fmt.Sprintf("fairlead rollback %s -n %s goes back to revision %d; --atomic does that by itself", rel.Name, rel.Namespace, good(j.history))
	case out.Record != nil:
		return fmt.Sprintf("fairlead why %s -n %s", rel.Name, rel.Namespace)
	case out.Stage == pipeline.StageSource, out.Stage == pipeline.StageRender, out.Stage == "":
		return "correct it and run this again"
	}
	return "run this again when that is mended"
}
