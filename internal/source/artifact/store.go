package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Found is what a reference resolved to, and how to get it.
type Found struct {
	Artifact model.Artifact // without Dir
	Warnings []string
	// Fill writes the content into an empty folder.
	Fill func(ctx context.Context, dir string) error
}

// Grace is how long a folder stays after it was last handed out, whatever space is needed.
const Grace = 10 * time.Minute

// Store is a folder of artifacts. It is safe for concurrent use by one process.
type Store struct {
	dir      string
	maxBytes int64
	inUse    func() map[string]bool

	mu      sync.Mutex
	entries map[string]*entry
}

// entry is an artifact that is, or is being, written.
type entry struct {
	ready chan struct{} // closed when written or failed
	err   error
	bytes int64
	used  time.Time
}

// Open makes the store at dir. What an earlier process left is removed: it may be incomplete
// after a power failure, and half a chart looks like a smaller one. inUse names the digests that may not
// be removed.
func Open(dir string, maxBytes int64, inUse func() map[string]bool) (*Store, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("clearing the artifact store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the artifact store: %w", err)
	}
	return &Store{dir: dir, maxBytes: maxBytes, inUse: inUse, entries: map[string]*entry{}}, nil
}

// Get gives the folder of an artifact, filling it when it is not there. Callers asking for one
// digest at the same time share the work.
func (s *Store) Get(ctx context.Context, digest string, fill func(ctx context.Context, dir string) error) (string, error) {
	dir := filepath.Join(s.dir, digest)
	for {
		s.mu.Lock()
		e, ok := s.entries[digest]
		if !ok {
			e = &entry{ready: make(chan struct{}), used: time.Now()}
			s.entries[digest] = e
			s.mu.Unlock()
			s.fill(ctx, digest, dir, e, fill)
			return dir, e.err
		}
		e.used = time.Now()
		s.mu.Unlock()
		select {
		case <-e.ready:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if e.err != nil {
			if isContext(e.err) {
				continue // the one who did the work gave up; it is ours now
			}
			return "", e.err
		}
		if _, err := os.Stat(dir); err == nil {
			return dir, nil
		}
		// Someone cleaned the disk.
		s.forget(digest, e)
	}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (s *Store) forget(digest string, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[digest] == e {
		delete(s.entries, digest)
	}
}

func (s *Store) fill(ctx context.Context, digest, dir string, e *entry, fill func(ctx context.Context, dir string) error) {
	defer close(e.ready)
	e.bytes, e.err = s.write(ctx, dir, fill)
	if e.err != nil {
		s.forget(digest, e)
		return
	}
	s.makeRoom(digest)
}

func (s *Store) write(ctx context.Context, dir string, fill func(ctx context.Context, dir string) error) (int64, error) {
	tmp, err := os.MkdirTemp(s.dir, "tmp-")
	if err != nil {
		return 0, fmt.Errorf("making a folder for an artifact: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := fill(ctx, tmp); err != nil {
		return 0, err
	}
	var bytes int64
	err = filepath.WalkDir(tmp, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measuring an artifact: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return 0, fmt.Errorf("placing an artifact: %w", err)
	}
	return bytes, nil
}

// makeRoom removes what was used longest ago until the store fits, keeping what is in use.
func (s *Store) makeRoom(keep string) {
	s.mu.Lock()
	type aged struct {
		digest string
		*entry
	}
	var total int64
	var all []aged
	for digest, e := range s.entries {
		select {
		case <-e.ready:
		default:
			continue
		}
		total += e.bytes
		all = append(all, aged{digest, e})
	}
	s.mu.Unlock()
	if total <= s.maxBytes {
		return
	}
	used := s.inUse()
	slices.SortFunc(all, func(a, b aged) int { return a.used.Compare(b.used) })
	for _, a := range all {
		if total <= s.maxBytes {
			return
		}
		if a.digest == keep || used[a.digest] {
			continue
		}
		if s.remove(a.digest, a.entry) {
			total -= a.bytes
		}
	}
}

func (s *Store) remove(digest string, e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[digest] != e || time.Since(e.used) < Grace {
		return false
	}
	// Renamed first: a reader that comes now starts anew instead of seeing half of it.
	dir := filepath.Join(s.dir, digest)
	gone := filepath.Join(s.dir, "gone-"+digest)
	if err := os.Rename(dir, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	delete(s.entries, digest)
	_ = os.RemoveAll(gone)
	return true
}
