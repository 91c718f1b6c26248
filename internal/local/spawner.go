package local

import (
	"context"
	"sync"
)

// spawner runs processes until it is told to end them all.
type spawner struct {
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
	fail context.CancelCauseFunc
	say  func(format string, args ...any)
}

// spawn makes a spawner; fail is told of a process that does not get to its work.
func (in *installation) spawn(ctx context.Context, fail context.CancelCauseFunc) *spawner {
	s := &spawner{fail: fail, say: in.Say}
	s.ctx, s.stop = context.WithCancel(ctx)
	return s
}

func (s *spawner) run(c *child) {
	s.done.Go(func() {
		if err := c.run(s.ctx, s.say); err != nil {
			s.fail(err)
		}
	})
}

func (s *spawner) all() {
	s.stop()
	s.done.Wait()
}
