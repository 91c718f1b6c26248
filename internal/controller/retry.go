package controller

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// transient reports whether trying again may help without anyone changing anything.
func transient(err error) bool {
	kind := model.KindOf(err)
	return kind == model.ErrTransient || kind == "" && !errors.Is(err, context.Canceled) || errors.Is(err, health.ErrSuperseded)
}

// retries spaces attempts out: 2 s, 4 s, ... 5 min. Nothing is tried again without a reason to
// hope; what needs someone to act waits for the event of their acting.
type retries struct {
	mu   sync.Mutex
	seen map[model.ReleaseID]*attempts
}

type attempts struct {
	count int
	rest  time.Time // it is not tried again before
	tried tried     // what is not
	err   error     // why
	stage pipeline.Stage
}

// tried is what a run was for: another thing need not wait for it.
type tried struct {
	mode         pipeline.Mode
	inputs, hold string
}

func (b *retries) of(id model.ReleaseID) *attempts {
	if b.seen == nil {
		b.seen = map[model.ReleaseID]*attempts{}
	}
	a := b.seen[id]
	if a == nil {
		a = &attempts{}
		b.seen[id] = a
	}
	return a
}

func (b *retries) next(id model.ReleaseID) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.of(id)
	a.count++
	return min(2*time.Second<<min(a.count-1, 10), 5*time.Minute)
}

// rest notes that a release is left alone for a while, whatever events come.
func (b *retries) rest(id model.ReleaseID, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(id).rest = until
}

// failed notes why a run of a release failed that is not repeated before.
func (b *retries) failed(id model.ReleaseID, what tried, stage pipeline.Stage, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.of(id)
	a.tried, a.stage, a.err = what, stage, err
}

// failure is what failed noted of the same run; nil where it was another.
func (b *retries) failure(id model.ReleaseID, what tried) (pipeline.Stage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.seen[id]; a != nil && a.tried == what {
		return a.stage, a.err
	}
	return "", nil
}

// wait is how long a release is left alone yet.
func (b *retries) wait(id model.ReleaseID, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.seen[id]; a != nil {
		return max(a.rest.Sub(now), 0)
	}
	return 0
}

func (b *retries) forget(id model.ReleaseID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.seen, id)
}

// restAfter has a run that changed objects, or might have, not repeated at once: events come often, and
// each attempt runs hooks or adds a revision. A hook that failed is not tried again by itself at all.
func (r *Reconciler) restAfter(id model.ReleaseID, rep *Report, out *pipeline.Outcome, again time.Duration) {
	partial := out.Record != nil && out.Record.Partial && !out.Record.HookFailed
	if out.Stage != pipeline.StageApply && out.Stage != pipeline.StageRecord || again == 0 && !partial {
		return
	}
	r.retries.rest(id, r.now().Add(min(cmp.Or(again, deniedPause), deniedPause)))
	r.retries.failed(id, triedBy(out.Request.Mode, rep), out.Stage, out.Err)
}

// resting is how long the run that was decided on has to wait because the same one failed just now, as
// the report then tells; 0 where it need not, as when someone asks for it.
func (r *Reconciler) resting(id model.ReleaseID, rep *Report) time.Duration {
	mode := map[Verb]pipeline.Mode{Upgrade: pipeline.ModeUpgrade, Rollback: pipeline.ModeRollback}[rep.Decision.Verb]
	stage, err := r.retries.failure(id, triedBy(mode, rep))
	pause := r.retries.wait(id, rep.At)
	if mode == "" || err == nil || pause <= 0 || rep.Ask.Sync.Requested || rep.Ask.Sync.Resume {
		return 0
	}
	rep.Stage, rep.Err = stage, err
	return pause
}

func triedBy(mode pipeline.Mode, rep *Report) tried {
	what := tried{mode: mode, inputs: rep.Inputs}
	if h := rep.Ask.Release.Hold; h != nil {
		what.hold = h.Time
	}
	return what
}

// deniedPause is how long it takes at most until granted rights are noticed.
const deniedPause = 2 * time.Minute

func (r *Reconciler) backoff(id model.ReleaseID) time.Duration { return r.retries.next(id) }

func (r *Reconciler) retryAfter(id model.ReleaseID, err error) time.Duration {
	switch {
	case errors.Is(err, context.Canceled) || superseded(err):
		return 0
	case model.KindOf(err) == model.ErrDenied:
		return deniedPause // rights that are granted raise no event
	case transient(err):
		return r.backoff(id)
	case inTheWay(err):
		return min(r.backoff(id), deniedPause)
	}
	return 0
}

// inTheWay reports whether another release may take away what stands in the way, or bring what is
// missing: no event tells when it did.
func inTheWay(err error) bool {
	switch model.ReasonOf(err, "") {
	case kube.ReasonUnknownKind, kube.ReasonNamespaceNotFound:
		return true
	}
	return model.KindOf(err) == model.ErrConflict
}
