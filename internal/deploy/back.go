package deploy

import (
	"context"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// goesBack reports whether a run that failed is undone. One that is healthy is not: where only its
// history could not be tidied, there is nothing to go back from.
func (j *job) goesBack(line pipeline.Request, out *pipeline.Outcome) bool {
	switch {
	case !j.req.Atomic, out.Stage == pipeline.StageRecord && out.Verdict.Status == model.Healthy:
		return false
	case len(j.deleted) > 0:
		return true // also where nothing was applied after it
	}
	if line.Mode != pipeline.ModeUpgrade || out.Record == nil {
		return false
	}
	// Where a hook before failed what ran still runs; of a first install only its record is left.
	return !out.Record.Unapplied() || j.res.Before == 0
}

// back returns to what was there before a run that failed: to the last good revision, or to nothing
// where there was no release. A release that was never good stays as it is: what was there before is
// not known.
func (j *job) back(ctx context.Context, failed pipeline.Request, out *pipeline.Outcome) {
	line := failed
	line.Unread, line.LetGo = true, j.foreign(out)
	last := newest(failed.History)
	if rec := out.Record; rec != nil && (last == nil || rec.Revision > last.Revision) {
		line.History = append(failed.History[:len(failed.History):len(failed.History)], *rec)
	}
	switch line.Target = good(failed.History); {
	case line.Target > 0:
		line.Mode, line.HoldBy = pipeline.ModeRollback, "failed upgrade"
		if j.req.Release.ID.Kind == model.KindManifests {
			// What this run made goes, whether or not it was to prune; what it left stays.
			line.Release.Policy.Prune, line.Keep = true, j.left(last)
		}
	case j.res.Before == 0:
		line.Mode, line.Gone = pipeline.ModeUninstall, true
	default:
		j.neverGood = true
		return
	}
	j.o.Step(StepRollback)
	undone := j.d.Line.Run(ctx, line)
	j.res.Outcome.RolledBack = &undone
	if undone.Record != nil {
		j.res.Revision = undone.Record.Revision
	}
	if line.Mode == pipeline.ModeUninstall && undone.Err == nil {
		j.res.Revision = 0
	}
}

// foreign are the objects that the run took over: they were there, and were nobody's.
func (j *job) foreign(out *pipeline.Outcome) []model.ObjectKey {
	var keys []model.ObjectKey
	for _, c := range j.plan.Changes() {
		if (c.Action == model.ActionAdopt || c.Reason == reasonRecreate) && !j.ours[c.Key] {
			keys = append(keys, c.Key)
		}
	}
	for i := range out.Results {
		if c := &out.Results[i].Change; c.Action == model.ActionAdopt && !j.ours[c.Key] {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// left are the objects that the release had before the run, wanted or not.
func (j *job) left(before *model.Record) []model.ObjectKey {
	var keys []model.ObjectKey
	for _, o := range before.Inventory {
		keys = append(keys, o.Key)
	}
	for _, c := range j.plan.Changes() {
		if c.Action == model.ActionUnchanged && c.Desired == nil && !slices.Contains(keys, c.Key) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}
