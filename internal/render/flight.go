package render

import (
	"context"
	"errors"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// flights lets those who want the same result at the same time share one render.
type flights struct {
	mu    sync.Mutex
	byKey map[string]*flight
}

type flight struct {
	done     chan struct{}
	rendered model.Rendered
	err      error
}

// do renders under key, or waits for the one who does. Results are shared: nobody may change them.
// One who gives up waiting fails alone; when the one who renders gives up, another takes over.
func (f *flights) do(ctx context.Context, key string, render func() (model.Rendered, error)) (model.Rendered, error) {
	for {
		f.mu.Lock()
		if f.byKey == nil {
			f.byKey = map[string]*flight{}
		}
		other, ok := f.byKey[key]
		if !ok {
			mine := &flight{done: make(chan struct{})}
			f.byKey[key] = mine
			f.mu.Unlock()
			f.lead(key, mine, render)
			return mine.rendered, mine.err
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return model.Rendered{}, ctx.Err()
		case <-other.done:
		}
		if !errors.Is(other.err, context.Canceled) && !errors.Is(other.err, context.DeadlineExceeded) {
			return other.rendered, other.err
		}
	}
}

var errPanicked = errors.New("rendering did not return")

func (f *flights) lead(key string, mine *flight, render func() (model.Rendered, error)) {
	mine.err = errPanicked
	defer func() {
		f.mu.Lock()
		delete(f.byKey, key)
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.rendered, mine.err = render()
}
