package health

import (
	"context"
	"errors"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// ErrSuperseded is the cause (context.WithCancelCause) with which a newer request ends the
// waiting of an older one.
var ErrSuperseded = errors.New("superseded by a newer request")

// DefaultTimeout is how long a release may take to become healthy where it does not say.
const DefaultTimeout = 5 * time.Minute

// Reasons of a verdict.
const (
	VerdictHealthy    = "Healthy"
	VerdictFailed     = "RolloutFailed"
	VerdictTimeout    = "Timeout"
	VerdictSuperseded = "Superseded"
	VerdictCancelled  = "Cancelled"
	VerdictDisturbed  = "Disturbed"
)

// Source tells how a release's objects do. It is implemented by the live store.
type Source interface {
	// Observe gives what the watch told last of the objects in keys. An object that is known
	// not to exist is left out. The error says that the answer is not known: the watch is not
	// synced, or is down. It never stands for absence.
	Observe(keys []model.ObjectKey) (map[model.ObjectKey]model.Live, error)
	// Changed receives after something about the objects of the release may have changed. The
	// channel has a buffer of one, so that no change is missed between Observe and the wait.
	Changed() <-chan struct{}
}

// Target is what to wait for.
type Target struct {
	Release model.Release
	Keys    []model.ObjectKey
	// Versions holds the resourceVersion each object had after the write; an observation that is
	// older says nothing about this rollout. Objects that are not in it may be of any version.
	Versions map[model.ObjectKey]string
	// Since is when the rollout began; zero is the call of Wait.
	Since time.Time
	// Until is when the release's timeout is up; zero is that long after the call of Wait.
	Until time.Time
	// Disturbed reports whether waiting goes on in vain, because others changed what was applied; nil
	// is never.
	Disturbed func() bool
	// Locate finds where a text is written in the release's inputs; may be nil.
	Locate func(text string) (origin string, ok bool)
}

// Waiter waits for releases to become healthy. It is safe for use by several at once; they share
// the watches on pods and events.
type Waiter struct {
	reader Reader
	rules  Rules
	feeds  *feeds // nil: no pods are watched
}

// NewWaiter makes a Waiter that reads causes from cluster. The zero Rules are DefaultRules.
func NewWaiter(cluster *Cluster, rules Rules) *Waiter {
	w := newWaiter(cluster, rules)
	w.feeds = &feeds{typed: cluster.typed, open: map[string]*feed{}}
	return w
}

func newWaiter(r Reader, rules Rules) *Waiter {
	if rules == (Rules{}) {
		rules = DefaultRules()
	}
	return &Waiter{reader: r, rules: rules}
}

// Timings of waiting.
const (
	// settle is how long pods may take before they are watched: most are ready sooner, and a
	// watch for each would cost more than it tells.
	settle = 300 * time.Millisecond
	// lastLook bounds the diagnosis after time is up.
	lastLook = 10 * time.Second
	// oneLook bounds a diagnosis while there is time.
	oneLook = 20 * time.Second
	// blind is how often a source that does not know is asked again.
	blind = time.Second
)

// Wait returns when every object of t is healthy, when one of them cannot become healthy any
// more, when the release's timeout has passed, when waiting is in vain (Target.Disturbed), or when
// ctx is done. It never returns an unhealthy verdict without a cause. progress, if not nil, is told
// of every object whose health changed, from the calling goroutine.
func (w *Waiter) Wait(ctx context.Context, t Target, src Source, progress func(model.ObjectHealth)) model.Verdict {
	s := w.newSession(ctx, t, progress)
	defer s.close()
	timeout := t.Release.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	if t.Until.IsZero() {
		t.Until = time.Now().Add(timeout)
	}
	deadline := time.NewTimer(time.Until(t.Until))
	defer deadline.Stop()
	for {
		s.observe(src)
		if s.healthy() {
			return s.verdict(VerdictHealthy)
		}
		if t.Disturbed != nil && t.Disturbed() {
			return s.verdict(VerdictDisturbed)
		}
		s.follow()
		select {
		case <-src.Changed():
		case <-s.changed:
		case <-s.again:
			s.again = nil
		case r := <-s.results:
			if s.learn(r) {
				s.observe(src)
				return s.verdict(VerdictFailed)
			}
		case <-deadline.C:
			s.observe(src)
			if s.healthy() {
				return s.verdict(VerdictHealthy)
			}
			s.lookOnce(ctx)
			return s.timedOut(timeout)
		case <-ctx.Done():
			return s.cancelled(ctx)
		}
	}
}
