package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// repairPause is how long a repair has to wait, for peace between two controllers or for the watch on
// records; 0 is not at all, and counts as a repair.
func (r *Reconciler) repairPause(ctx context.Context, rep *Report, now time.Time) (time.Duration, error) {
	rel := rep.Ask.Release
	if pause := r.repairs.pause(rel.ID, now); pause > 0 {
		return pause, nil
	}
	switch ahead, err := r.overtaken(ctx, rel, rep.Last); {
	case err != nil:
		return 0, err
	case ahead:
		return recordDelay, nil
	}
	r.repairs.count(rel.ID, now)
	return 0, nil
}

// repairWaiting lets a run put back what others change while it waits, by the rules for a repair of
// its own. While it cannot be known whether another tool is at work, and where a newer request came,
// the run goes on waiting.
func (r *Reconciler) repairWaiting(t *Turn, rep *Report, req *pipeline.Request) {
	if !rep.Ask.Release.Policy.SelfHeal {
		return
	}
	req.Drifted = func(ctx context.Context) time.Duration {
		if t.Superseded() {
			return recordDelay
		}
		pause, err := r.repairPause(ctx, rep, r.now())
		if err != nil {
			r.log.Warn("looking whether drift may be put back", "release", t.ID.String(), "error", err)
			return max(r.retryAfter(t.ID, err), recordDelay)
		}
		return pause
	}
	req.Repaired = func(keys []model.ObjectKey, err error) {
		if err != nil {
			r.log.Warn("putting back what others changed", "release", t.ID.String(), "error", err)
		}
		if len(keys) == 0 {
			return
		}
		r.log.Info(string(Repair), "release", t.ID.String(), "reason", reasonDrifted, "why", changedInCluster(keys), "during", string(rep.Decision.Verb))
		r.metrics.repaired(t.ID.Kind)
		for _, key := range keys {
			if !slices.Contains(rep.Repaired, key) {
				rep.Repaired = append(rep.Repaired, key)
			}
		}
	}
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

// pause is how long a release is left alone yet.
func (p *repairs) pause(id model.ReleaseID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.seen[id]
	if f == nil || now.Sub(f.last) > peaceAfter || f.rounds < freeRounds {
		return 0
	}
	pause := min(time.Second<<min(f.rounds-freeRounds, 6), peaceAfter/2)
	return max(f.last.Add(pause).Sub(now), 0)
}

// count notes a repair.
func (p *repairs) count(id model.ReleaseID, now time.Time) {
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
	f.rounds++
	f.last = now
}

func (p *repairs) forget(id model.ReleaseID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, id)
}
