package worker

import "context"

// ahead is a worker that is started before anybody needs it.
type ahead struct {
	done chan struct{} // closed when the worker is idle, or could not be started
	stop context.CancelFunc
}

// Prepare starts a worker for a render that will come, and returns at once. Whatever keeps the worker
// from starting, the render will meet and tell.
func (p *Pool) Prepare() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.ahead != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background()) // it outlives who asks for it, until Close
	first := &ahead{done: make(chan struct{}), stop: stop}
	p.ahead = first
	p.ended.Add(1)
	go func() {
		defer p.ended.Done()
		defer close(first.done)
		defer stop()
		if w, err := p.launch(ctx); err == nil {
			p.giveBack(w, true)
		}
	}()
}

// prepared waits for the worker that is started ahead, if one is.
func (p *Pool) prepared(ctx context.Context) error {
	p.mu.Lock()
	first := p.ahead
	p.mu.Unlock()
	if first == nil {
		return nil
	}
	select {
	case <-first.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
