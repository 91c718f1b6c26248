package controller

import (
	"context"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// interimAfter is how long people are left without a word while a run takes its time, unless all
// places are taken: what waits for one comes first. The second word comes after interimAgain times
// that, and each further one after twice the pause before it: a long wait costs a handful of requests.
const (
	interimAfter = time.Second
	interimAgain = 3
)

// interim is a status to be written while a run waits, if that takes long. Once hush or end returned
// none is on its way, and after end none is written any more, so that the final status is the last.
type interim struct {
	after, pause time.Duration
	busy         func() bool

	mu    sync.Mutex
	timer *time.Timer
	say   func() // nil while the run writes
	ended bool
}

func newInterim(after time.Duration, busy func() bool) *interim {
	return &interim{after: after, pause: interimAgain * after, busy: busy}
}

// tell has say called when its time comes, and again as long as the run waits. It says what it finds
// then.
func (i *interim) tell(say func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return
	}
	if i.say = say; i.timer == nil {
		i.timer = time.AfterFunc(i.after, i.tick)
	}
}

func (i *interim) tick() {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.ended:
	case i.say == nil || i.busy():
		i.timer.Reset(i.after)
	default:
		i.say()
		i.timer.Reset(i.pause)
		i.pause *= 2
	}
}

// hush keeps quiet until there is something to tell again: the run writes.
func (i *interim) hush() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.say = nil
}

// end may be called more than once, and of a nil interim.
func (i *interim) end() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended = true; i.timer != nil {
		i.timer.Stop()
	}
}

// progress writes how a run does that waits: for a hook, or for its objects where hook is empty. It
// costs no request where nothing changed since it was told last.
func (r *Reconciler) progress(ctx context.Context, k kind, id model.ReleaseID, rep Report, hook string) func() {
	rep.Running, rep.Hook, rep.Began = true, hook, rep.At
	return func() {
		rep := rep
		rep.At = r.now()
		r.look(&rep)
		if hook != "" {
			rep.Health = model.Health{Status: model.Progressing, Reason: "HookRunning", Message: "waiting for " + hook}
		}
		if err := k.Write(ctx, id, rep); err != nil && ctx.Err() == nil {
			r.log.Warn("writing interim status", "release", id.String(), "error", err)
		}
	}
}
