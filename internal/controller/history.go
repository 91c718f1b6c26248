package controller

import (
	"context"

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
	history := r.known(rel, recordsOf(stored))
	last := newest(history)
	if last != nil && last.Owner != "" && last.Inventory == nil {
		inv, err := r.line.Owned(ctx, rel, *last)
		if err != nil {
			return nil, err
		}
		last.Inventory = inv
		r.remember(rel, last)
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

// byRecord finds the request whose release a record belongs to, when another tool wrote it, or
// deleted the newest: ours are told by the run that wrote them.
func (r *Reconciler) byRecord(s *live.Stored, deleted bool) (model.ReleaseID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := releaseName{s.Meta.Namespace, s.Release}
	id, ok := r.names[at]
	if w := r.written[id]; ok && w != nil && w.at == at && s.Revision < w.record.Revision {
		return id, false // we retired or deleted it; nothing follows from an old one
	}
	if ours := s.Meta.Annotations[model.AnnotationOwner] != ""; ok && ours {
		w := r.written[id]
		ok = deleted && (w == nil || w.record.Revision == s.Revision)
	}
	return id, ok
}

// releaseName is how Helm names a release.
type releaseName struct{ namespace, name string }
