package worker

import (
	"context"
	"slices"
	"sync"
	"time"
)

// patience is how long nothing may finish before a further worker is started.
const patience = 300 * time.Millisecond

// queue lets jobs in, first come first served: one at a time, and more only when the ones under
// way do not get done. A warm worker renders faster than releases can be applied, and each further
// one costs memory; but a chart that takes its time must not keep others waiting.
type queue struct {
	max int

	mu       sync.Mutex
	running  int
	allowed  int // 0 counts as 1
	finished time.Time
	waiting  []chan struct{} // closed to let in
}

// enter returns when a job may start, or with ctx's error.
func (q *queue) enter(ctx context.Context) error {
	q.mu.Lock()
	if q.running < max(q.allowed, 1) && len(q.waiting) == 0 {
		q.start()
		q.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	q.mu.Unlock()

	impatient := time.NewTicker(patience)
	defer impatient.Stop()
	for {
		select {
		case <-turn:
			return nil
		case <-ctx.Done():
			q.abandon(turn)
			return ctx.Err()
		case now := <-impatient.C:
			q.widen(now)
		}
	}
}

// start counts a job in. The lock is held.
func (q *queue) start() {
	if q.running == 0 {
		q.finished = time.Now() // nothing was waited for until now
	}
	q.running++
}

// widen lets one more job run beside the others when nothing was finished for long.
func (q *queue) widen(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.finished) < patience || max(q.allowed, 1) >= q.max {
		return
	}
	q.allowed = max(q.allowed, 1) + 1
	q.finished = now
	q.next()
}

// leave says that a job is done.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	q.finished = time.Now()
	if len(q.waiting) == 0 {
		q.allowed = 1
	}
	q.next()
}

// next lets in those who may. The lock is held.
func (q *queue) next() {
	for len(q.waiting) > 0 && q.running < max(q.allowed, 1) {
		close(q.waiting[0])
		q.waiting = q.waiting[1:]
		q.start()
	}
}

// abandon takes back a wish to enter, or the turn when it was given meanwhile.
func (q *queue) abandon(turn chan struct{}) {
	q.mu.Lock()
	if i := slices.Index(q.waiting, turn); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.mu.Unlock()
		return
	}
	q.mu.Unlock()
	q.leave()
}
