package controller

import (
	"context"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// interimAfter is how long people are left without a word while a rollout takes its time, unless
// all places are taken: what waits for one comes first.
const interimAfter = time.Second

// interim is a status to be written while a run waits, if that takes long. Once end returned none is
// written any more and none is on its way, so that the final status is the last.
type interim struct {
	mu    sync.Mutex
	timer *time.Timer
	ended bool
}

// newInterim calls write after a pause, unless it was ended before, and after another one as long as
// it is busy then.
func newInterim(after time.Duration, busy func() bool, write func()) *interim {
	i := &interim{}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.timer = time.AfterFunc(after, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		switch {
		case i.ended:
		case busy():
			i.timer.Reset(after)
		default:
			write()
		}
	})
	return i
}

// end may be called more than once, and of a nil interim.
func (i *interim) end() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
	i.timer.Stop()
}

// reportLater writes an interim status when a rollout takes longer than people like to wait for
// the first word.
func (r *Reconciler) reportLater(ctx context.Context, k kind, id model.ReleaseID, rep Report) *interim {
	rep.Running, rep.Began = true, rep.At
	return newInterim(interimAfter, r.engine.Busy, func() {
		rep.At = r.now()
		r.look(&rep)
		if err := k.Write(ctx, id, rep); err != nil && ctx.Err() == nil {
			r.log.Warn("writing interim status", "release", id.String(), "error", err)
		}
	})
}
