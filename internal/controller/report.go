package controller

import (
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// observed turns a report into what statuses are made from.
func (r *Reconciler) observed(rep Report) record.Observed {
	o := record.Observed{
		At: rep.At, Release: rep.Ask.Release, Last: rep.Last, Attempted: attempted(rep),
		Err: rep.Err, Stage: string(rep.Stage), Running: rep.Running, Hook: rep.Hook,
		Health: rep.Health, Objects: rep.Objects, Drift: rep.Drift,
		Held: rep.Decision.Held, HeldWhy: rep.Decision.Why, Unsupported: rep.Ask.Unsupported,
		ByHand: rep.Ask.By, Refreshed: rep.Ask.Refresh != "",
	}
	asked := pipeline.Request{History: rep.Ask.History}
	o.Install, o.Repair = rep.Decision.Verb == Upgrade && asked.Installing(), rep.Decision.Verb == Repair
	if rep.Decision.Verb == Repair && rep.Err == nil && rep.Outcome != nil && !rep.Running {
		o.Drift = nil
	}
	out := rep.Outcome
	if out == nil {
		o.Causes = r.causes(rep.Ask.Release.ID)
		if rep.Running {
			o.Started = rep.Began
		}
		return o
	}
	o.Started, o.Ended = out.Started, out.Ended
	if rep.Decision.Verb == Differ {
		o.Pending = out.Plan.Changes()
	} else {
		o.Results, o.Causes = out.Results, out.Verdict.Causes
	}
	if back := out.RolledBack; back != nil {
		if back.OK() {
			o.RolledBack = back.Request.Target
		} else if o.RollbackErr = back.Err; back.Err == nil {
			o.RollbackErr = &model.Error{Reason: back.Verdict.Reason, Msg: back.Verdict.Message}
		}
	}
	return o
}

// attempted is the revision that the release's inputs came from. A commit that left them alone is not
// told of: after a restart it would cost one status of every release.
func attempted(rep Report) model.Revision {
	if last := rep.Last; last != nil && rep.Ask.Refresh == "" && last.HoldBy == "" && last.Inputs == rep.Inputs && last.Source != (model.Revision{}) {
		return last.Source
	}
	return rep.Artifact.Revision
}

// causes are those of the last run that failed, while the release has not become healthy since.
func (r *Reconciler) causes(id model.ReleaseID) []model.Cause {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blamed[id]
}

// blame keeps why a run failed for the statuses to come; an empty list is a run that did not.
func (r *Reconciler) blame(id model.ReleaseID, causes []model.Cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(causes) == 0 {
		delete(r.blamed, id)
		return
	}
	r.blamed[id] = causes
}
