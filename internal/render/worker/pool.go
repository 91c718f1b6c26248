package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// Limits bound one render.
type Limits struct {
	Timeout time.Duration // wall clock
	Memory  int64         // bytes, beyond what a worker takes when it starts
	Output  int64         // bytes of everything rendered
}

// Options of a pool. All must be set but Env, Roots and Log.
type Options struct {
	Command []string // executes Serve
	Env     []string // NAME=value, for tests; a worker has no environment otherwise
	Roots   []string // all that a worker may read, as far as they exist when it starts; empty is everything
	Limits  Limits
	Max     int           // workers at once; all but the first start only when renders get stuck
	Idle    time.Duration // after which a worker leaves
	Brief   bool          // a few jobs in all: workers spend nothing on staying small
	Log     *slog.Logger
}

// Pool runs workers on demand.
type Pool struct {
	o     Options
	queue queue

	mu     sync.Mutex
	idle   []*process // the one used last is at the end
	busy   map[*process]struct{}
	closed bool
	timers map[*process]*time.Timer
	told   bool // what is enforced has been logged
	ahead  *ahead
	ended  sync.WaitGroup

	alive  atomic.Int64
	killed atomic.Int64
}

// NewPool makes a pool. It starts nothing.
func NewPool(o Options) *Pool {
	return &Pool{o: o, queue: queue{max: o.Max}, busy: map[*process]struct{}{}, timers: map[*process]*time.Timer{}}
}

var errClosed = errors.New("rendering: the renderer is closed")

// Render renders in a worker, waiting for one to be free. A render that breaks a limit fails with
// Reason RenderTimeout or RenderMemory and is not tried again.
func (p *Pool) Render(ctx context.Context, req helm.Request) (model.Rendered, error) {
	if err := p.queue.enter(ctx); err != nil {
		return model.Rendered{}, err
	}
	defer p.queue.leave()
	req.MaxOutput = p.o.Limits.Output
	w, err := p.take(ctx)
	if err != nil {
		return model.Rendered{}, err
	}
	r, alive, err := w.do(ctx, req)
	p.giveBack(w, alive)
	return r, err
}

// take is an idle worker, or a new one.
func (p *Pool) take(ctx context.Context) (*process, error) {
	if err := p.prepared(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	for n := len(p.idle); n > 0; n = len(p.idle) {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.timers[w].Stop()
		delete(p.timers, w)
		if w.dead() { // ended while idle, by the system or by hand
			p.alive.Add(-1)
			continue
		}
		p.busy[w] = struct{}{}
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	return p.launch(ctx)
}

// launch starts a worker, which is busy then.
func (p *Pool) launch(ctx context.Context) (*process, error) {
	w, err := start(ctx, p.o)
	if err != nil {
		return nil, err
	}
	p.alive.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.end(w)
		return nil, errClosed
	}
	p.busy[w] = struct{}{}
	p.tell(w)
	return w, nil
}

func (p *Pool) giveBack(w *process, alive bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, w)
	switch {
	case !alive:
		p.alive.Add(-1)
		p.killed.Add(1)
	case p.closed, w.spent():
		p.end(w)
	default:
		p.idle = append(p.idle, w)
		p.timers[w] = time.AfterFunc(p.o.Idle, func() { p.leave(w) })
	}
}

// leave ends a worker that was idle for long.
func (p *Pool) leave(w *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, w)
	if i < 0 {
		return // taken meanwhile
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	delete(p.timers, w)
	p.end(w)
}

// end lets a worker end in the background. The lock is held.
func (p *Pool) end(w *process) {
	p.ended.Add(1)
	go func() {
		defer p.ended.Done()
		w.stop()
		p.alive.Add(-1)
	}()
}

// tell logs once what this system enforces. The lock is held.
func (p *Pool) tell(w *process) {
	if p.told || p.o.Log == nil {
		return
	}
	p.told = true
	p.o.Log.Info("render worker started", "enforced", strings.Join(w.ready.Enforced, ", "))
	if len(w.ready.Missing) > 0 {
		p.o.Log.Warn("render worker is not confined in every way", "missing", strings.Join(w.ready.Missing, "; "))
	}
}

// Alive is the number of workers there are, Killed how many had to be killed so far.
func (p *Pool) Alive() int { return int(p.alive.Load()) }

// Killed is the number of workers that did not survive a job.
func (p *Pool) Killed() int64 { return p.killed.Load() }

// Close ends all workers and waits for them. Renders under way fail.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	if p.ahead != nil {
		p.ahead.stop()
	}
	for _, w := range p.idle {
		p.timers[w].Stop()
		p.end(w)
	}
	p.idle, p.timers = nil, map[*process]*time.Timer{}
	for w := range p.busy {
		w.kill(errClosed)
	}
	p.mu.Unlock()
	p.ended.Wait()
	return nil
}
