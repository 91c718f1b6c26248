package source

import (
	"math/rand/v2"
	"time"
)

// wait is the time from one read to the next. Failures are tried again sooner at first, then ever
// more seldom: an outage of a minute should not cost ten, nor should a dead host be hammered.
func wait(interval time.Duration, failures int) time.Duration {
	switch {
	case failures == 0:
		return interval
	case failures >= 5:
		return 4 * interval
	}
	return interval >> 3 << failures // a quarter, a half, one, two
}

// jitter keeps many repositories from being read at the same moment for ever.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// freshness is how old a read may be to be answered from. While r is polled, the poll decides.
func (r *remote) freshness(interval time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := wait(interval, r.failures)
	if r.timer != nil {
		fresh *= 2
	}
	return fresh
}

// arm starts polling r, if it is not being polled.
func (s *Sources) arm(r *remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.closed || r.timer != nil || len(r.watches) == 0 {
		return
	}
	r.timer = time.AfterFunc(jitter(wait(s.opts.PollInterval, r.failures)), func() { s.poll(r) })
}

func (r *remote) disarm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
}

func (s *Sources) poll(r *remote) {
	if !s.begin() {
		return
	}
	defer s.work.Done()
	// A push or a refresh a moment ago serves as well.
	_ = s.read(s.ctx, r, time.Now().Add(-s.opts.PollInterval/8))
	s.again(r, 0)
	s.sweep()
}

// again sets the time of the next poll: after d, or at the usual distance when d is zero.
func (s *Sources) again(r *remote, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer == nil || s.ctx.Err() != nil {
		return
	}
	if d == 0 {
		d = jitter(wait(s.opts.PollInterval, r.failures))
	}
	r.timer.Reset(d)
}
