package source

import (
	"context"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// read makes sure that r was read by a read that began after since, and tells watching releases
// what it changed. However many callers there are, one reads and the others take its result.
func (s *Sources) read(ctx context.Context, r *remote, since time.Time) error {
	if done, err := r.readSince(since); done {
		return err
	}
	return s.exclusively(ctx, r, func(ctx context.Context) error {
		if done, err := r.readSince(since); done {
			return err
		}
		return s.readNow(ctx, r)
	})
}

func (r *remote) readSince(since time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started.After(since), r.err
}

// exclusively runs f as the only one to read r, and as one of a bounded number that read anything.
func (s *Sources) exclusively(ctx context.Context, r *remote, f func(context.Context) error) error {
	if !s.begin() {
		return errClosed
	}
	defer s.work.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	select {
	case <-r.reading:
		defer func() { r.reading <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return f(ctx)
}

// begin notes work that Close waits for.
func (s *Sources) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// readNow is called by exclusively.
func (s *Sources) readNow(ctx context.Context, r *remote) error {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, 2*s.opts.Limits.Timeout)
	changed, err := r.src.Read(limited, r.wants())
	cancel()
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // the caller gave up: that says nothing of the remote
	}
	r.recordRead(start, changed, err)
	var out news
	if err != nil {
		r.broadcast(err, &out)
	} else {
		s.follow(ctx, r, &out)
	}
	s.send(&out)
	return err
}

// follow resolves what is watched by a new observation.
func (s *Sources) follow(ctx context.Context, r *remote, out *news) {
	for _, key := range r.stale() {
		s.answerTo(ctx, r, key, out)
	}
	r.broadcast(nil, out)
}

// answer gives what a reference means by the last observation.
func (s *Sources) answer(ctx context.Context, r *remote, key string) answer {
	if a, _, current := r.lookup(key); current {
		return a
	}
	var out news
	a := s.answerTo(ctx, r, key, &out)
	s.send(&out)
	return a
}

func (s *Sources) answerTo(ctx context.Context, r *remote, key string, out *news) answer {
	a, version, current := r.lookup(key)
	if current || version == 0 {
		return a
	}
	found, err := r.src.Resolve(ctx, a.ref)
	if err != nil && ctx.Err() != nil {
		a.err = ctx.Err()
		return a
	}
	return r.keep(key, a.ref, version, found, err, out)
}

// send calls back. No lock is held.
func (s *Sources) send(out *news) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	for msg, ids := range out.failed {
		s.opts.Log.Warn("reading a source", "err", out.errs[msg], "releases", len(ids))
		s.opts.OnError(ids, out.errs[msg])
	}
	if len(out.recovered) > 0 {
		s.opts.OnError(out.recovered, nil)
	}
	if len(out.changed) > 0 {
		s.opts.OnChange(out.changed)
	}
}

// Watch polls ref's repository for release id until Unwatch, and replaces an earlier watch of id.
// Call it before Resolve: then no change between the two is missed. A reference that is wrong in
// itself is reported by Resolve.
func (s *Sources) Watch(id model.ReleaseID, ref model.Ref) {
	r, err := s.remote(ref)
	s.mu.Lock()
	old := s.watched[id]
	if err != nil {
		delete(s.watched, id)
	} else {
		s.watched[id] = r
	}
	s.mu.Unlock()
	if old != nil && old != r {
		old.unwatch(id)
	}
	if err != nil {
		return
	}
	key := ref.Key()
	r.want(key, ref)
	r.mu.Lock()
	if w, ok := r.watches[id]; !ok || w.key != key {
		w := &watch{key: key}
		if a := r.answers[key]; a != nil && a.err == nil {
			w.digest = a.found.Artifact.Digest
		}
		r.addWatch(id, w)
	}
	r.mu.Unlock()
	s.arm(r)
}

// Unwatch ends the watch of id.
func (s *Sources) Unwatch(id model.ReleaseID) {
	s.mu.Lock()
	r := s.watched[id]
	delete(s.watched, id)
	s.mu.Unlock()
	if r != nil {
		r.unwatch(id)
	}
	s.sweep()
}

func (r *remote) unwatch(id model.ReleaseID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropWatch(id)
	r.used = time.Now()
	if len(r.watches) == 0 && r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}
