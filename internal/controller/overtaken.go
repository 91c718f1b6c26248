package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// recordDelay is how soon the watch on records is looked at again when it lags behind.
const recordDelay = 50 * time.Millisecond

// overtaken reports whether another tool has begun a revision that the watch has not told of yet.
// Helm writes the record of a rollback before it changes any object, but watches on two kinds keep
// no order: what looks like drift may be an emergency rollback, which nobody must undo. Its revision
// is the next one; that the last one is pending the watch has told.
func (r *Reconciler) overtaken(ctx context.Context, rel model.Release, last *model.Record) (bool, error) {
	if rel.ID.Kind != model.KindHelmRelease || last == nil {
		return false, nil
	}
	ahead, err := r.records.Exists(ctx, rel.Namespace, rel.Name, last.Revision+1)
	if err != nil {
		return false, fmt.Errorf("looking for revisions made by another tool: %w", err)
	}
	return ahead, nil
}
