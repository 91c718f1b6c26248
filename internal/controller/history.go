package controller

import (
	"context"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// helmHistory is a release's history in Helm's storage, from memory. The newest record's inventory
// is read where it was too large to stand in an annotation.
func (r *Reconciler) helmHistory(ctx context.Context, rel model.Release) ([]model.Record, error) {
	stored, err := r.live.Records(rel.Namespace, rel.Name)
	if err != nil {
		return nil, err
	}
	history := r.known(rel.ID, recordsOf(stored))
	last := newest(history)
	if last != nil && last.Owner != "" && last.Inventory == nil {
		inv, err := r.records.Owned(ctx, rel.Namespace, rel.Name, last.Revision)
		if err != nil {
			return nil, fmt.Errorf("reading what revision %d of release %q consists of: %w", last.Revision, rel.Name, err)
		}
		last.Inventory = inv
		r.remember(rel.ID, last)
	}
	return history, nil
}

func recordsOf(stored []*live.Stored) []model.Record {
	history := make([]model.Record, 0, len(stored)+1)
	for _, s := range stored {
		if _, rec, ok := record.FromSecretMetadata(&s.Meta); ok {
			history = append(history, rec)
		}
	}
	return history
}

// recordedFor finds the release that a request which is gone asked for, by the owner in its
// records.
func (r *Reconciler) recordedFor(id model.ReleaseID) (model.Release, []model.Record, bool) {
	all, err := r.live.AllRecords()
	if err != nil {
		return model.Release{}, nil, false
	}
	var mine []*live.Stored
	for _, s := range all {
		if s.Meta.Annotations[model.AnnotationOwner] == id.String() {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return model.Release{}, nil, false
	}
	rel := model.Release{ID: id, Name: mine[0].Release, Namespace: mine[0].Meta.Namespace}
	whole, err := r.live.Records(rel.Namespace, rel.Name)
	if err != nil {
		return model.Release{}, nil, false
	}
	return rel, r.known(id, recordsOf(whole)), true
}

// byRecord finds the request whose release a record belongs to, when another tool wrote it: ours
// are told by the run that wrote them.
func (r *Reconciler) byRecord(s *live.Stored) (model.ReleaseID, bool) {
	if s.Meta.Annotations[model.AnnotationOwner] != "" {
		return model.ReleaseID{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.names[releaseName{s.Meta.Namespace, s.Release}]
	return id, ok
}

// releaseName is how Helm names a release.
type releaseName struct{ namespace, name string }

// removeOrphans uninstalls, once after a start, what requests left that were deleted while nobody
// looked.
func (r *Reconciler) removeOrphans(ctx context.Context) {
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
		seen[id] = true
		if _, found := r.helmReleases.Get(id); !found {
			r.Request(id)
		}
	}
}
