package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// drift compares what is live with what the newest record says, from memory: objects that are
// gone, and objects whose fields somebody else took over.
func (r *Reconciler) drift(ctx context.Context, rel model.Release, inv model.Inventory) ([]model.ObjectKey, model.HealthStatus, error) {
	label := rel.ID.Label()
	seen, err := r.watched(ctx, label, inv)
	if err != nil {
		return nil, model.Unknown, err
	}
	r.expectOnce(rel.ID, inv)
	var drifted []model.ObjectKey
	health := model.Healthy
	for _, o := range inv {
		l, exists := seen[o.Key]
		switch {
		case o.Digest == "": // another tool's, which no run has come to apply or delete
		case !exists && o.Expires(): // it did not complete: it is run again when someone asks for it
			health = model.Worst(health, model.Missing)
		case !exists:
			drifted, health = append(drifted, o.Key), model.Worst(health, model.Missing)
		case l.Deleting || l.Release != "" && l.Release != label:
			health = model.Worst(health, model.Missing) // being deleted, or another release has it
		case l.Fields != o.Fields || l.Release != label:
			drifted, health = append(drifted, o.Key), model.Worst(health, l.Health.Status)
		default:
			health = model.Worst(health, l.Health.Status)
		}
	}
	return drifted, health, nil
}

// settle finishes, at the first look after a start, what an earlier process left that died between
// recording a revision and marking the one before it superseded.
func (r *Reconciler) settle(ctx context.Context, rel model.Release, history []model.Record) error {
	r.mu.Lock()
	looked := r.expected[rel.ID]
	r.mu.Unlock()
	if looked || rel.ID.Kind != model.KindHelmRelease {
		return nil
	}
	return r.records.Settle(ctx, rel.Namespace, rel.Name, history)
}

// expectOnce tells the live store what the record of an earlier process says. From then on it is the
// runs that tell: what one applied and did not come to record is no drift from what was before.
func (r *Reconciler) expectOnce(id model.ReleaseID, inv model.Inventory) {
	r.mu.Lock()
	told := r.expected[id]
	r.expected[id] = true
	r.mu.Unlock()
	if !told {
		r.live.Expect(id.Label(), inv)
	}
}

// watched is the live state of a release's objects. The watches it needs are started by the
// first that asks, which after a start of the controller is the first turn of each release.
func (r *Reconciler) watched(ctx context.Context, label string, inv model.Inventory) (map[model.ObjectKey]model.Live, error) {
	keys := make([]model.ObjectKey, 0, len(inv))
	var kinds []schema.GroupVersionKind
	for _, o := range inv {
		keys = append(keys, o.Key)
		gvk := schema.GroupVersionKind{Group: o.Key.Group, Version: o.Version, Kind: o.Key.Kind}
		if n := len(kinds); n == 0 || kinds[n-1] != gvk { // they are in order
			kinds = append(kinds, gvk)
		}
	}
	if err := r.live.Ensure(ctx, kinds...); err != nil {
		return nil, fmt.Errorf("watching the objects of %s: %w", label, err)
	}
	return r.live.Observe(label, keys)
}

// look fills in how the release does now: from the verdict of the run, where there was one, else
// from what the watches told.
func (r *Reconciler) look(rep *Report) {
	if rep.Last == nil || len(rep.Last.Inventory) == 0 {
		rep.Health = model.Health{Status: model.Missing, Reason: "NotDeployed", Message: "nothing is deployed yet"}
		if rep.Last != nil && rep.Err == nil && !rep.Last.Unapplied() {
			rep.Health = model.Health{Status: model.Healthy}
		}
		if rep.Running {
			r.lookAtFirst(rep)
			return
		}
		r.lookAtPlan(rep)
		return
	}
	label := rep.Ask.Release.ID.Label()
	keys := make([]model.ObjectKey, 0, len(rep.Last.Inventory))
	for _, o := range rep.Last.Inventory {
		keys = append(keys, o.Key)
	}
	seen, err := r.live.Observe(label, keys)
	if err != nil {
		rep.Health = model.Health{Status: model.Unknown, Reason: "NotObserved", Message: err.Error()}
		return
	}
	rep.Health = model.Health{Status: model.Healthy}
	for _, o := range rep.Last.Inventory {
		key := o.Key
		l, exists := seen[key]
		if l.Gone {
			continue
		}
		h := model.Health{Status: model.Missing, Reason: "Missing", Message: "does not exist"}
		if exists {
			h = l.Health
		}
		rep.see(key, h)
	}
}

// see adds the health of one object to the report's.
func (rep *Report) see(key model.ObjectKey, h model.Health) {
	rep.Objects = append(rep.Objects, model.ObjectHealth{Key: key, Health: h})
	if model.Worst(rep.Health.Status, h.Status) != rep.Health.Status {
		rep.Health = h
		if h.Message != "" {
			rep.Health.Message = key.Short() + ": " + h.Message
		}
	}
}

// lookAtFirst tells of a first rollout that waits: no record says yet what there is, but what was applied
// carries the release's label.
func (r *Reconciler) lookAtFirst(rep *Report) {
	waiting := model.Health{Status: model.Progressing, Reason: "Progressing"}
	rep.Health = model.Health{Status: model.Healthy}
	defer func() {
		if rep.Health.Status == model.Healthy {
			rep.Health = waiting // a hook may be under way, or all became healthy just now
		}
	}()
	label := rep.Ask.Release.ID.Label()
	seen, err := r.live.Observe(label, nil)
	if err != nil {
		return
	}
	for _, key := range slices.SortedFunc(maps.Keys(seen), model.ObjectKey.Compare) {
		if l := seen[key]; l.Release == label && l.Fields != "" && !l.Gone {
			rep.see(key, l.Health)
		}
	}
}

// lookAtPlan tells of the objects a report-only run would make.
func (r *Reconciler) lookAtPlan(rep *Report) {
	if rep.Outcome == nil {
		return
	}
	for _, c := range rep.Outcome.Plan.Changes() {
		h := model.Health{Status: model.Missing}
		if c.Action == model.ActionUnchanged {
			h.Status = model.Healthy
		}
		rep.Objects = append(rep.Objects, model.ObjectHealth{Key: c.Key, Health: h})
	}
}

// preview plans without writing, for a request that nobody allowed to change the cluster.
func (r *Reconciler) preview(ctx context.Context, req pipeline.Request, rep *Report) time.Duration {
	req.Mode = pipeline.ModeUpgrade
	out := r.line.Preview(ctx, req)
	rep.Outcome, rep.Err, rep.Stage = &out, out.Err, out.Stage
	return r.retryAfter(rep.Ask.Release.ID, out.Err)
}

// confirm records that a failed revision became healthy by itself.
func (r *Reconciler) confirm(ctx context.Context, id model.ReleaseID, rep *Report) time.Duration {
	rec := *rep.Last
	rec.Status, rec.Description = model.RecordDeployed, "Became healthy after: "+rec.Description
	rel := rep.Ask.Release
	if inv := r.live.Finish(id.Label(), rec.Inventory); !slices.Equal(inv, rec.Inventory) {
		rec.Inventory = inv
		if err := r.line.Records[id.Kind].Amend(ctx, rel, rec); err != nil {
			rep.Err, rep.Stage = err, pipeline.StageRecord
			return r.backoff(id)
		}
	}
	if id.Kind == model.KindHelmRelease {
		if err := r.records.SetStatus(ctx, rel.Namespace, rel.Name, rec.Revision, rec.Status, rec.Description); err != nil {
			rep.Err, rep.Stage = err, pipeline.StageRecord
			return r.backoff(id)
		}
		before := rep.Ask.History[:len(rep.Ask.History)-1]
		r.chores.Later(id, func(ctx context.Context) error { return r.records.Retire(ctx, rel, rec, before) })
	}
	rep.Last = &rec
	r.remember(rep.Ask.Release, &rec)
	r.blame(id, nil)
	return 0
}
