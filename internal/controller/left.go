package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// What a request leaves behind in Helm's storage: releases of its own when it is deleted, and those
// under an earlier name when its releaseName or targetNamespace changes.

// departed is a release to be removed, with what is known of it.
type departed struct {
	release model.Release
	history []model.Record    // none where no run came to record anything
	letGo   []model.ObjectKey // not to be deleted: another tool's record has them
}

// recordedFor are the Helm releases whose newest record with an owner says that it is the request's.
func (r *Reconciler) recordedFor(id model.ReleaseID) ([]departed, error) {
	all, err := r.live.AllRecords()
	if err != nil {
		return nil, err
	}
	owners := map[releaseName]model.Record{}
	for _, s := range all {
		name, rec, ok := record.FromSecretMetadata(&s.Meta)
		at := releaseName{s.Meta.Namespace, name}
		if ok && rec.Owner != "" && rec.Revision > owners[at].Revision {
			owners[at] = rec
		}
	}
	r.mu.Lock()
	if w := r.written[id]; w != nil && !w.told && w.record.Revision > owners[w.at].Revision {
		owners[w.at] = w.record // the watch will tell of it
	}
	r.mu.Unlock()
	var out []departed
	for at, rec := range owners {
		if rec.Owner != id.String() {
			continue
		}
		stored, err := r.live.Records(at.namespace, at.name)
		if err != nil {
			return nil, err
		}
		rel := model.Release{ID: id, Name: at.name, Namespace: at.namespace}
		out = append(out, departed{release: rel, history: r.known(rel, recordsOf(stored))})
	}
	slices.SortFunc(out, func(a, b departed) int {
		return cmp.Or(cmp.Compare(a.release.Namespace, b.release.Namespace), cmp.Compare(a.release.Name, b.release.Name))
	})
	return out, nil
}

// vacate tells other requests that ask for a Helm release that it is free now.
func (r *Reconciler) vacate(d departed) {
	at := releaseName{d.release.Namespace, d.release.Name}
	for _, id := range r.helmReleases.IDs() {
		if req, found := r.helmReleases.Get(id); found && id != d.release.ID && placeOf(req.Object) == at {
			r.Request(id)
		}
	}
}

// former are the Helm releases that a request had under earlier names. It costs nothing while no
// name has changed.
func (r *Reconciler) former(ctx context.Context, rel model.Release) ([]departed, error) {
	r.mu.Lock()
	moved := r.moved[rel.ID]
	r.mu.Unlock()
	if !moved {
		return nil, nil
	}
	all, err := r.recordedFor(rel.ID)
	if err != nil {
		return nil, err
	}
	now := releaseName{rel.Namespace, rel.Name}
	all = slices.DeleteFunc(all, func(d departed) bool {
		return releaseName{d.release.Namespace, d.release.Name} == now || len(d.history) == 0
	})
	for i := range all {
		last := newest(all[i].history)
		if last.Inventory != nil || last.Status == model.RecordUninstalled {
			continue
		}
		if last.Inventory, err = r.line.Owned(ctx, all[i].release, *last); err != nil {
			return nil, fmt.Errorf("looking at its name before: %w", err)
		}
	}
	if len(all) == 0 {
		r.mu.Lock()
		delete(r.moved, rel.ID)
		r.mu.Unlock()
	}
	return all, nil
}

// formerInventory is what releases under earlier names consist of, to be taken over or pruned.
func formerInventory(all []departed) model.Inventory {
	var inv model.Inventory
	for _, d := range all {
		for _, o := range newest(d.history).Inventory {
			inv = append(inv, model.Owned{Key: o.Key, Version: o.Version, Stays: o.Stays})
		}
	}
	return inv
}

// dropFormer deletes the records of releases whose objects are taken over or pruned.
func (r *Reconciler) dropFormer(ctx context.Context, all []departed) error {
	for _, d := range all {
		r.chores.Drop(d.release.ID)
		if err := r.records.Delete(ctx, d.release.Namespace, d.release.Name); err != nil {
			return err
		}
		r.vacate(d)
		r.log.Info("removed under its earlier name", "release", d.release.ID.String(), "name", d.release.Namespace+"/"+d.release.Name)
	}
	return nil
}

// findLeft looks, once after a start, for what requests left that were deleted or renamed while
// nobody looked.
func (r *Reconciler) findLeft(ctx context.Context) {
	if err := waitFor(ctx, r.helmReleases.Synced); err != nil {
		return
	}
	stored, err := r.live.AllRecords()
	if err != nil {
		r.log.Error("looking for releases without a request", "error", err)
		return
	}
	seen := map[model.ReleaseID]bool{}
	for _, s := range stored {
		id, err := model.ParseReleaseID(s.Meta.Annotations[model.AnnotationOwner])
		if err != nil || id.Kind != model.KindHelmRelease || seen[id] {
			continue
		}
		req, found := r.helmReleases.Get(id)
		if found && placeOf(req.Object) == (releaseName{s.Meta.Namespace, s.Release}) {
			continue
		}
		seen[id] = true
		if found {
			r.mu.Lock()
			r.moved[id] = true
			r.mu.Unlock()
		}
		r.Request(id)
	}
}
