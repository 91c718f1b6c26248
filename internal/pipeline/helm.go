package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// HelmRecorder keeps history in Helm's own storage.
type HelmRecorder struct {
	Store *record.Store
	// Objects reads a recorded manifest back, and HookObjects the recorded hooks.
	Objects     func(manifest string, rel model.Release) ([]model.Object, error)
	HookObjects func(hooks []byte, rel model.Release) ([]model.Object, error)
	// Chores retires old records later, so that no release waits for that; nil does it at once.
	Chores *Chores
}

// Write adds a revision.
func (h HelmRecorder) Write(ctx context.Context, e record.Entry, history []model.Record) (model.Record, error) {
	if h.Chores == nil || slices.ContainsFunc(history, pending) {
		return h.Store.Write(ctx, e, history)
	}
	rec, err := h.Store.Create(ctx, e, history)
	if err == nil && len(history) > 0 {
		h.Chores.Later(e.Release.ID, func(ctx context.Context) error {
			return h.Store.Retire(ctx, e.Release, rec, history)
		})
	}
	return rec, err
}

// pending records are another tool's, which must not believe itself at work.
func pending(rec model.Record) bool { return rec.Status.Pending() }

// Amend writes another inventory into the newest revision.
func (h HelmRecorder) Amend(ctx context.Context, rel model.Release, rec model.Record) error {
	return h.Store.SetInventory(ctx, rel.Namespace, rel.Name, rec.Revision, rec.Inventory)
}

// Recorded gives back what a revision consisted of, its hooks included.
func (h HelmRecorder) Recorded(ctx context.Context, rel model.Release, rec model.Record) (Desired, error) {
	full, err := h.Store.Load(ctx, rel.Namespace, rel.Name, rec.Revision)
	if err != nil {
		return Desired{}, err
	}
	d := Desired{Inputs: rec.Inputs}
	d.Artifact.Revision = rec.Source
	d.Rendered.Chart = &full.Chart
	d.Rendered.Notes = full.Notes
	if d.Rendered.Objects, err = h.Objects(full.Chart.Manifest, rel); err != nil {
		return d, fmt.Errorf("reading the manifest of revision %d of release %q: %w", rec.Revision, rel.Name, err)
	}
	d.Rendered.Hooks, err = h.hooks(full, rel)
	return d, err
}

// Hooks gives back the hooks of a revision. One that is gone has none.
func (h HelmRecorder) Hooks(ctx context.Context, rel model.Release, rec model.Record) ([]model.Object, error) {
	full, err := h.Store.Load(ctx, rel.Namespace, rel.Name, rec.Revision)
	if model.KindOf(err) == model.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return h.hooks(full, rel)
}

func (h HelmRecorder) hooks(full record.Full, rel model.Release) ([]model.Object, error) {
	hooks, err := h.HookObjects(full.Chart.HookManifests, rel)
	if err != nil {
		return nil, fmt.Errorf("reading the hooks of revision %d of release %q: %w", full.Revision, rel.Name, err)
	}
	return hooks, nil
}

// Owned is what a revision consisted of that another tool wrote.
func (h HelmRecorder) Owned(ctx context.Context, rel model.Release, rec model.Record) (model.Inventory, error) {
	return h.Store.Owned(ctx, rel.Namespace, rel.Name, rec.Revision)
}

// Delete removes the history.
func (h HelmRecorder) Delete(ctx context.Context, rel model.Release) error {
	if h.Chores != nil {
		h.Chores.Drop(rel.ID)
	}
	return h.Store.Delete(ctx, rel.Namespace, rel.Name)
}
