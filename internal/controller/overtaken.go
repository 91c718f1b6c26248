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

// attempt is the upgrade that was begun last, whether it came to be recorded or not.
type attempt struct {
	inputs string
	after  int // newest revision when it began
}

func (r *Reconciler) attempting(rep *Report) {
	a := attempt{inputs: rep.Inputs}
	if rep.Last != nil {
		a.after = rep.Last.Revision
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts[rep.Ask.Release.ID] = a
}

// noteLeft notes on a revision that somebody made with helm during a rollout which inputs it left. The
// rollout has no record: without the note it would be begun again, now or by the next process.
func (r *Reconciler) noteLeft(ctx context.Context, rep *Report, own *model.Record) error {
	rel, last := rep.Ask.Release, rep.Last
	if rel.ID.Kind != model.KindHelmRelease || last == nil || last.Owner != "" || last.Status.Pending() ||
		own == nil || own.Inputs == rep.Inputs || last.Inputs == rep.Inputs {
		return nil
	}
	r.mu.Lock()
	a, known := r.attempts[rel.ID]
	r.mu.Unlock()
	if !known || a.inputs != rep.Inputs || last.Revision <= a.after {
		return nil
	}
	if err := r.records.Leave(ctx, rel.Namespace, rel.Name, last.Revision, rep.Inputs); err != nil {
		return err
	}
	last.Inputs = rep.Inputs
	return nil
}
