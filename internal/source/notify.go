package source

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/git"
)

// Notify reads the repository of a push now and reports what it changed through OnChange before
// it returns. It returns how many repositories in use the push was for.
func (s *Sources) Notify(ctx context.Context, push Push) (int, error) {
	var pushed []git.Address
	for _, u := range push.URLs {
		if a, err := git.ParseAddress(u); err == nil {
			pushed = append(pushed, a)
			pushed = append(pushed, s.rewritten(u)...)
		}
	}
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.remotes))
	s.mu.Unlock()
	var errs []error
	var mu sync.Mutex
	var reads sync.WaitGroup
	matched := 0
	for _, r := range all {
		if !r.known(pushed) {
			continue
		}
		matched++
		reads.Go(func() {
			if err := s.push(ctx, r, push); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	reads.Wait()
	return matched, errors.Join(errs...)
}

// rewritten is where the rewrites send a URL.
func (s *Sources) rewritten(u string) []git.Address {
	if to := rewrite(u, s.opts.Rewrites); to != u {
		if a, err := git.ParseAddress(to); err == nil {
			return []git.Address{a}
		}
	}
	return nil
}

// known reports whether one of the addresses is r's.
func (r *remote) known(pushed []git.Address) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, have := range r.addresses {
		if slices.ContainsFunc(pushed, have.Same) {
			return true
		}
	}
	return false
}

// lag is when a remote is read again that did not have yet what was said to be pushed: a mirror,
// or a host that tells before all of its servers know.
const lag = 2 * time.Second

func (s *Sources) push(ctx context.Context, r *remote, push Push) error {
	return s.exclusively(ctx, r, func(ctx context.Context) error {
		p, canPush := r.src.(pusher)
		_, readErr := r.observation()
		if !canPush || readErr != nil {
			return s.readNow(ctx, r)
		}
		start := time.Now()
		changed, ok, err := p.Pushed(ctx, r.wants(), push.Ref, push.Commit)
		if err == nil && ok {
			if changed {
				r.recordRead(start, true, nil)
				var out news
				s.follow(ctx, r, &out)
				s.send(&out)
			}
			return nil
		}
		before := r.versionNow()
		if err := s.readNow(ctx, r); err != nil {
			return err
		}
		if r.versionNow() == before {
			s.again(r, lag)
		}
		return nil
	})
}

func (r *remote) versionNow() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version
}
