package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// record writes what was observed. A run that was cut short, by a newer request or the end of the
// process, writes nothing: its objects tell what they were applied from, so the next run knows. A hook
// that failed is a failed revision, as it is for Helm, also where nothing was applied after it: the record
// keeps it from being run again until somebody acts.
func (l *Line) record(ctx context.Context, out *Outcome, desired Desired) error {
	stopped := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	req := out.Request
	recorder := l.Records[req.Release.ID.Kind]
	switch {
	case stopped || out.Verdict.Reason == ReasonSuperseded || errors.Is(out.Err, health.ErrSuperseded):
		return nil
	case req.Mode == ModeUninstall:
		if out.Err != nil || len(req.History) == 0 {
			return nil // without a history, what is recorded under its name is another's
		}
		return recorder.Delete(ctx, req.Release)
	case req.Mode == ModeRepair:
		return l.amend(ctx, out, recorder)
	case out.Err != nil && !wrote(out.Results) && !hookHasFailed(out.Err):
		return nil
	}
	entry := record.Entry{
		Release: req.Release, Record: l.newRecord(out, desired), Chart: desired.Rendered.Chart,
		Manifest: manifest(desired.Rendered), Notes: desired.Rendered.Notes,
	}
	if req.Mode == ModeRollback {
		entry.RollbackOf = req.Target
	}
	rec, err := recorder.Write(ctx, entry, req.History)
	if err != nil && rec.Revision == 0 {
		return fmt.Errorf("recording release %q: %w", req.Release.Name, err)
	}
	out.Record = &rec
	l.expect(req, rec.Inventory)
	return err
}

// amend brings the newest record up to what a repair left. Mostly that is what was recorded before.
func (l *Line) amend(ctx context.Context, out *Outcome, recorder Recorder) error {
	req := out.Request
	inv := l.Live.Finish(req.Release.ID.Label(), plan.Inventory(lastInventory(req), out.Results))
	l.expect(req, inv)
	if slices.Equal(inv, lastInventory(req)) {
		return nil
	}
	rec := *req.Last()
	rec.Inventory = inv
	if err := recorder.Amend(ctx, req.Release, rec); err != nil {
		return err
	}
	out.Record = &rec
	return nil
}

// expect tells the live store what the release consists of now, so that it knows drift.
func (l *Line) expect(req Request, inv model.Inventory) {
	l.Live.Expect(req.Release.ID.Label(), inv)
}

// ReasonSuperseded is the verdict of a run that was cut short by a newer request.
const ReasonSuperseded = "Superseded"

func (l *Line) newRecord(out *Outcome, desired Desired) model.Record {
	req := out.Request
	inv := plan.Inventory(out.owned, out.Results)
	rec := model.Record{
		Status: model.RecordDeployed, Inputs: desired.Inputs, Source: desired.Artifact.Revision,
		Inventory: l.Live.Finish(req.Release.ID.Label(), inv), Owner: req.Release.ID.String(),
		Partial: out.Err != nil, HookFailed: hookHasFailed(out.Err),
	}
	if rec.HookFailed && len(out.Results) > 0 {
		rec.Partial = false // a hook after: all objects are applied
	}
	if chart := desired.Rendered.Chart; chart != nil {
		rec.Chart, rec.AppVersion = chart.Name+"-"+chart.Version, chart.AppVersion
	}
	if req.Release.Hold != nil {
		rec.HoldTime = req.Release.Hold.Time
	}
	rec.Description = "Upgrade complete"
	switch {
	case req.Mode == ModeRollback:
		rec.Description = fmt.Sprintf("Rollback to %d", req.Target)
		if last := req.Last(); last != nil && last.Status == model.RecordFailed && req.Release.Hold == nil {
			// Nobody asked for it, and while the release is held there this is all that tells why.
			rec.Description += " after: " + last.Description
		}
		rec.HoldBy = req.HoldBy
	case req.Installing():
		rec.Description = "Install complete"
	}
	if failure := out.failure(); failure != "" {
		rec.Status = model.RecordFailed
		verb, before, _ := strings.Cut(strings.TrimSuffix(rec.Description, " complete"), " after: ")
		rec.Description = fmt.Sprintf("%s failed: %s", verb, failure)
		if before != "" && !strings.Contains(before, failure) {
			rec.Description += " (after: " + before + ")"
		}
	}
	return rec
}

// failure is why the outcome is not what was wanted, in one line; empty when it is.
func (o *Outcome) failure() string {
	switch {
	case o.Err != nil:
		return o.Err.Error()
	case o.Verdict.Status == model.Healthy:
		return ""
	case len(o.Verdict.Causes) > 0:
		c := o.Verdict.Causes[0]
		return c.Object.Short() + ": " + c.Root()
	}
	return o.Verdict.Message
}

func (o *Outcome) failed(stage Stage, err error) Outcome {
	o.Stage, o.Err = stage, err
	return *o
}

// lastInventory is the inventory of the newest record.
func lastInventory(req Request) model.Inventory {
	if last := req.Last(); last != nil && last.Status != model.RecordUninstalled {
		return last.Inventory
	}
	return nil
}

// wrote reports whether a run changed anything in the cluster.
func wrote(results []model.Result) bool {
	for i := range results {
		r := &results[i]
		if r.Err == nil && !r.Skipped && r.Change.Action != model.ActionUnchanged {
			return true
		}
	}
	return false
}

// manifest is the stream of documents that is recorded for objects that came of no chart.
func manifest(r model.Rendered) string {
	if r.Chart != nil {
		return ""
	}
	const before, between = "---\n# Source: ", "\n"
	var b strings.Builder
	size := 0
	for i := range r.Objects {
		size += len(before) + len(r.Objects[i].Origin.File) + len(r.Objects[i].Body) + 2*len(between)
	}
	b.Grow(size)
	for i := range r.Objects {
		b.WriteString(before)
		b.WriteString(r.Objects[i].Origin.File)
		b.WriteString(between)
		b.Write(r.Objects[i].Body)
		b.WriteString(between)
	}
	return b.String()
}

// progressOf tells a result as what it means for the object's health so far.
func progressOf(r model.Result) model.ObjectHealth {
	h := model.Health{Status: model.Progressing, Reason: string(r.Change.Action)}
	switch {
	case r.Change.Action == model.ActionPrune && r.Change.Unowned && r.Err == nil && !r.Skipped:
		h = model.Health{Status: model.Healthy, Reason: "Kept", Message: "kept, and belongs to nobody"}
	case r.Skipped:
		h = model.Health{Status: model.Unknown, Reason: "Skipped", Message: "not started"}
	case r.Err != nil:
		h = model.Health{Status: model.Degraded, Reason: "ApplyFailed", Message: r.Err.Error()}
	}
	return model.ObjectHealth{Key: r.Change.Key, Health: h}
}
