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
	Fill     Fill
	// Chart and Beside are the same content in two parts, of which others may have the first too. Where
	// their Fill is nil there are none.
	Chart, Beside Part
	// Files reads the content where it is, without a folder; nil where it can only be filled into one.
	// missing is called when it turns out to be gone.
	Files   func(missing func()) fs.FS
	Archive func(ctx context.Context) ([]byte, error) // a chart's archive as it was published; nil where there is none
}

// Part is some of an artifact's content.
type Part struct {
	Digest string
	Fill   Fill
}

// Fill writes an artifact's content into an empty folder, and gives its size.
type Fill func(ctx context.Context, dir string) (bytes int64, err error)

// Grace is how long a folder stays after it was last handed out, whatever space is needed.
const Grace = 10 * time.Minute

// Store is a folder of artifacts. It is safe for concurrent use by one process.
type Store struct {
	dir      string
	maxBytes int64
	inUse    func() map[string]bool

	mu      sync.Mutex
	entries map[string]*entry
	total   int64 // bytes of those that are written
}

// entry is an artifact that is, or is being, written.
type entry struct {
	ready chan struct{} // closed when written or failed
	err   error
	dir   string
	bytes int64
	used  time.Time // when it was last handed out

	written bool // and counted
}

// Open makes the store at dir, with what an earlier process left there as far as that can be trusted.
// inUse names the digests that may not be removed.
func Open(dir string, maxBytes int64, inUse func() map[string]bool) (*Store, error) {
	s := &Store{dir: dir, maxBytes: maxBytes, inUse: inUse, entries: map[string]*entry{}}
	if err := s.adopt(); err != nil {
		return nil, err
	}
	return s, nil
}

// Get gives the folder of an artifact, filling it when it is not there. Callers asking for one
// digest at the same time share the work.
func (s *Store) Get(ctx context.Context, digest string, fill Fill) (string, error) {
	for {
		s.mu.Lock()
		e, ok := s.entries[digest]
		if !ok {
			e = &entry{ready: make(chan struct{}), used: time.Now()}
			s.entries[digest] = e
			s.mu.Unlock()
			s.fill(ctx, digest, e, fill)
			return e.dir, e.err
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
		if _, err := os.Stat(e.dir); err == nil {
			return e.dir, nil
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
		s.drop(digest, e)
	}
}

func (s *Store) fill(ctx context.Context, digest string, e *entry, fill Fill) {
	defer close(e.ready)
	e.dir, e.bytes, e.err = s.write(ctx, digest, fill)
	if e.err != nil {
		s.forget(digest, e)
		return
	}
	s.mu.Lock()
	e.written = true
	s.total += e.bytes
	s.mu.Unlock()
	s.makeRoom(digest)
}

func (s *Store) write(ctx context.Context, digest string, fill Fill) (dir string, bytes int64, err error) {
	tmp, err := os.MkdirTemp(s.dir, unfinished)
	if err != nil {
		return "", 0, fmt.Errorf("making a folder for an artifact: %w", err)
	}
	placed := false
	defer func() {
		if !placed {
			_ = os.RemoveAll(tmp)
		}
	}()
	if bytes, err = fill(ctx, tmp); err != nil {
		return "", 0, err
	}
	dir = filepath.Join(s.dir, folderName(digest, bytes))
	if err := os.Rename(tmp, dir); err != nil {
		return "", 0, fmt.Errorf("placing an artifact: %w", err)
	}
	placed = true
	return dir, bytes, nil
}

// makeRoom removes what was used longest ago until the store fits, keeping what is in use.
func (s *Store) makeRoom(keep string) {
	type aged struct {
		digest string
		*entry
		used time.Time
	}
	s.mu.Lock()
	total := s.total
	var all []aged
	for digest, e := range s.entries {
		if total <= s.maxBytes {
			break
		}
		if e.written {
			all = append(all, aged{digest, e, e.used})
		}
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
	gone := filepath.Join(s.dir, unfinished+digest)
	if err := os.Rename(e.dir, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	s.drop(digest, e)
	_ = os.RemoveAll(gone)
	return true
}

// drop is called with mu held.
func (s *Store) drop(digest string, e *entry) {
	delete(s.entries, digest)
	if e.written {
		s.total -= e.bytes
	}
}
