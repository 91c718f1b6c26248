package controller

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Engine runs releases: at most one run of a release at a time, many releases side by side.
//
// Reading, rendering and writing take a slot, of which there are few; waiting for health takes
// none, since it costs nothing but memory. A request that comes while a run writes is carried out
// after it; one that comes while it waits ends the waiting.
type Engine struct {
	run   func(context.Context, *Turn) (again time.Duration)
	slots chan struct{}
	log   *slog.Logger

	mu     sync.Mutex
	tasks  map[model.ReleaseID]*task
	active int         // releases that are driven
	quiet  *time.Timer // runs since none is; nil where nobody asked to be told
	pause  time.Duration
	wg     sync.WaitGroup
	ctx    context.Context
}

// task is what the engine knows of a release that has a run under way or one to come.
type task struct {
	pending bool
	nudged  bool                    // something happened that the run under way may not have seen
	waiting context.CancelCauseFunc // set while the run only waits
	active  bool
	retry   *time.Timer
}

// Turn is one run's hold on the engine.
type Turn struct {
	ID     model.ReleaseID
	engine *Engine
	slot   bool
	cancel context.CancelCauseFunc // of the context that Waiting gave
}

// NewEngine makes an engine with room for parallel runs. run does one turn; a duration above zero
// asks for another turn after that time.
func NewEngine(ctx context.Context, parallel int, log *slog.Logger, run func(context.Context, *Turn) time.Duration) *Engine {
	return &Engine{
		run: run, slots: make(chan struct{}, parallel), log: log,
		tasks: map[model.ReleaseID]*task{}, ctx: ctx,
	}
}

// WhenQuiet has f called each time that no run was under way for a while. Call it before any request.
func (e *Engine) WhenQuiet(pause time.Duration, f func()) {
	e.pause, e.quiet = pause, time.AfterFunc(pause, f)
}

// Request asks for a turn of each release. It never blocks.
func (e *Engine) Request(ids ...model.ReleaseID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return
	}
	for _, id := range ids {
		t := e.start(id)
		t.pending = true
		if t.waiting != nil {
			t.waiting(health.ErrSuperseded)
		}
	}
}

// Nudge asks for a look at each release without disturbing a run: one that is under way is followed
// by another turn only when it had looked already (Turn.Looking) before this came.
func (e *Engine) Nudge(ids ...model.ReleaseID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return
	}
	for _, id := range ids {
		e.start(id).nudged = true
	}
}

// start has a release driven. The lock is held.
func (e *Engine) start(id model.ReleaseID) *task {
	t := e.tasks[id]
	if t == nil {
		t = &task{}
		e.tasks[id] = t
	}
	if !t.active {
		t.active = true
		if e.active++; e.quiet != nil {
			e.quiet.Stop()
		}
		e.wg.Add(1)
		go e.drive(id, t)
	}
	return t
}

// rest notes that a release is not driven any more. The lock is held.
func (e *Engine) rest(t *task) {
	t.active = false
	if e.active--; e.active == 0 && e.quiet != nil && e.ctx.Err() == nil {
		e.quiet.Reset(e.pause)
	}
}

// Busy reports whether all slots are taken.
func (e *Engine) Busy() bool { return len(e.slots) == cap(e.slots) }

// Forget drops what is still to come for a release that is gone. A run under way ends by itself.
func (e *Engine) Forget(id model.ReleaseID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks[id]
	if t == nil {
		return
	}
	if t.retry != nil {
		t.retry.Stop()
		t.retry = nil
	}
	if !t.active {
		delete(e.tasks, id)
	}
}

// Wait returns when no run is under way any more, after the engine's context ended.
func (e *Engine) Wait() {
	e.mu.Lock() // whoever saw the context before it ended has counted its run by now
	defer e.wg.Wait()
	defer e.mu.Unlock()
	for _, t := range e.tasks {
		if t.retry != nil {
			t.retry.Stop()
		}
	}
	if e.quiet != nil {
		e.quiet.Stop()
	}
}

// drive takes turns while there are requests. A release without any, and without one to come, is
// not kept.
func (e *Engine) drive(id model.ReleaseID, t *task) {
	defer e.wg.Done()
	for {
		e.mu.Lock()
		if !t.pending && !t.nudged || e.ctx.Err() != nil {
			e.rest(t)
			if t.retry == nil {
				delete(e.tasks, id)
			}
			e.mu.Unlock()
			return
		}
		t.pending, t.nudged = false, false
		if t.retry != nil {
			t.retry.Stop()
			t.retry = nil
		}
		e.mu.Unlock()

		if again := e.turn(id, t); again > 0 {
			e.mu.Lock()
			if e.ctx.Err() == nil {
				t.retry = time.AfterFunc(again, func() { e.Request(id) })
			}
			e.mu.Unlock()
		}
	}
}

// turn does one run and frees whatever it still holds.
func (e *Engine) turn(id model.ReleaseID, t *task) time.Duration {
	select {
	case e.slots <- struct{}{}:
	case <-e.ctx.Done():
		return 0
	}
	turn := &Turn{ID: id, engine: e, slot: true}
	defer turn.leave()
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	again := e.run(ctx, turn)
	if turn.cancel != nil {
		turn.cancel(nil)
	}
	e.mu.Lock()
	t.waiting = nil
	e.mu.Unlock()
	return again
}

// Waiting says that this run has written all it will and now only waits: its slot is free for
// another release, and a newer request may end the context that is returned, with
// health.ErrSuperseded as its cause.
func (t *Turn) Waiting(ctx context.Context) context.Context {
	t.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	t.cancel = cancel
	e := t.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if task := e.tasks[t.ID]; task != nil {
		task.waiting = cancel
		if task.pending {
			cancel(health.ErrSuperseded)
		}
	}
	return ctx
}

// Pausing says that this run waits and will write again: its slot is free for another release, but
// no request ends it.
func (t *Turn) Pausing() { t.leave() }

// Looking says that the run looks at the release now: what was nudged before is seen by it.
func (t *Turn) Looking() {
	e := t.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if task := e.tasks[t.ID]; task != nil {
		task.nudged = false
	}
}

// Writing says that the run will write again, as a rollback does after a failed wait: newer
// requests no longer end it.
func (t *Turn) Writing(ctx context.Context) error {
	e := t.engine
	e.mu.Lock()
	if task := e.tasks[t.ID]; task != nil {
		task.waiting = nil
	}
	e.mu.Unlock()
	if t.slot {
		return nil
	}
	select {
	case e.slots <- struct{}{}:
		t.slot = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Superseded reports whether a newer request waits for this run to end.
func (t *Turn) Superseded() bool {
	e := t.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	task := e.tasks[t.ID]
	return task != nil && task.pending
}

func (t *Turn) leave() {
	if t.slot {
		t.slot = false
		<-t.engine.slots
	}
}

// superseded reports whether a run ended because a newer request came.
func superseded(err error) bool { return errors.Is(err, health.ErrSuperseded) }
