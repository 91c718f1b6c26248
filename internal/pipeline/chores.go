package pipeline

import (
	"context"
	"log/slog"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Chores are what is left to do of a run when all that people wait for is done. They are done one
// after another, so that they take little from the runs that others wait for. One that fails, or is
// lost with the process, is made up for by the next run of its release or the next start.
type Chores struct {
	log *slog.Logger

	mu    sync.Mutex
	order []model.ReleaseID
	todo  map[model.ReleaseID]chore
	doing sync.Mutex // held while one is done
	more  chan struct{}
}

type chore func(context.Context) error

// NewChores makes an empty list; Run does what is put on it.
func NewChores(log *slog.Logger) *Chores {
	return &Chores{log: log, todo: map[model.ReleaseID]chore{}, more: make(chan struct{}, 1)}
}

// Later puts a chore on the list, in the place of an earlier one of the same release: a later run
// knows all that the earlier one left.
func (c *Chores) Later(id model.ReleaseID, do func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waits := c.todo[id]; !waits {
		c.order = append(c.order, id)
	}
	c.todo[id] = do
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Drop takes a release off the list. When it returns none of its chores is under way.
func (c *Chores) Drop(id model.ReleaseID) {
	c.mu.Lock()
	delete(c.todo, id)
	c.mu.Unlock()
	c.doing.Lock()
	defer c.doing.Unlock()
}

// Run does chores until ctx ends.
func (c *Chores) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if c.next(ctx) {
			continue
		}
		select {
		case <-c.more:
		case <-ctx.Done():
		}
	}
}

// next does one chore; false is an empty list.
func (c *Chores) next(ctx context.Context) bool {
	c.doing.Lock()
	defer c.doing.Unlock()
	c.mu.Lock()
	if len(c.order) == 0 {
		c.mu.Unlock()
		return false
	}
	id := c.order[0]
	do := c.todo[id]
	c.order = c.order[1:]
	delete(c.todo, id)
	c.mu.Unlock()
	if do == nil {
		return true // it was dropped
	}
	if err := do(ctx); err != nil && ctx.Err() == nil {
		c.log.Warn("retiring old records", "release", id.String(), "error", err)
	}
	return true
}
