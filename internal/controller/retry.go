package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
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
	rest  time.Time // what was only half applied is not tried again before
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

// rest notes that a half-applied release is left alone for a while, whatever events come: each
// attempt adds a revision to its history.
func (b *retries) rest(id model.ReleaseID, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(id).rest = until
}

// wait is how long that still is.
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
