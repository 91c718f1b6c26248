package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// recordDelay is how soon the watch on records is looked at again when it lags behind.
const recordDelay = 50 * time.Millisecond

// mayRepair is how long a repair has to wait, for peace between two controllers or for the watch on
// records; 0 is not at all.
func (r *Reconciler) mayRepair(ctx context.Context, rep *Report, now time.Time) (time.Duration, error) {
	rel := rep.Ask.Release
	if wait := r.repairs.wait(rel.ID, now); wait > 0 {
		return wait, nil
	}
	ahead, err := r.overtaken(ctx, rel, rep.Last)
	if err != nil || !ahead {
		return 0, err
	}
	return recordDelay, nil
}

// repairSoon is mayRepair for a run that waits while others change its objects. While it cannot be
// known whether another tool is at work, the run goes on waiting.
func (r *Reconciler) repairSoon(ctx context.Context, rep *Report, drifted []model.ObjectKey) time.Duration {
	id := rep.Ask.Release.ID
	wait, err := r.mayRepair(ctx, rep, r.now())
	switch {
	case err != nil:
		return max(r.retryAfter(id, err), recordDelay)
	case wait == 0 && len(drifted) > 0:
		r.log.Info(string(Repair), "release", id.String(), "reason", reasonDrifted, "why", changedInCluster(drifted), "during", string(rep.Decision.Verb))
	}
	return wait
}

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

// repairs keeps two controllers that want different things from fighting at full speed: the
// first repairs of a release are immediate, those that follow soon after wait longer and longer.
type repairs struct {
	mu   sync.Mutex
	seen map[model.ReleaseID]*fight
}

type fight struct {
	rounds int
	last   time.Time
}

const (
	freeRounds = 5
	peaceAfter = time.Minute
)

func (p *repairs) wait(id model.ReleaseID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[model.ReleaseID]*fight{}
	}
	f := p.seen[id]
	if f == nil || now.Sub(f.last) > peaceAfter {
		f = &fight{}
		p.seen[id] = f
	}
	if f.rounds >= freeRounds {
		pause := min(time.Second<<min(f.rounds-freeRounds, 6), peaceAfter/2)
		if rest := f.last.Add(pause).Sub(now); rest > 0 {
			return rest
		}
	}
	f.rounds++
	f.last = now
	return 0
}

func (p *repairs) forget(id model.ReleaseID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, id)
}
