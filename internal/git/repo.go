package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Repo is a bare repository on this machine.
type Repo struct {
	Dir string
	git *Git

	mu      sync.Mutex // guards the rest
	reader  *reader
	fetches int
	tips    map[string]string // what refs/fetched/ holds; nil before it was read
}

// InitBare opens the bare repository at dir, and makes it when there is none. Its branch is main.
func (g *Git) InitBare(ctx context.Context, dir string) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("making repository: %w", err)
	}
	r := &Repo{Dir: dir, git: g}
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making repository: %w", err)
	}
	// An empty template: no sample hooks, nothing that this machine's owner put there.
	_, err = g.run(ctx, command{dir: dir, args: []string{"init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--end-of-options", dir}})
	if err != nil {
		return nil, fmt.Errorf("making repository %s: %w", filepath.Base(dir), err)
	}
	return r, nil
}

// tidyAfter is the number of fetches after which there is enough to pack.
const tidyAfter = 200

// Tidy forgets what was fetched under other names than these, and packs what many small fetches
// left, when there were enough of them. Objects nothing refers to stay an hour: someone may be
// about to read them.
func (r *Repo) Tidy(ctx context.Context, names []string) error {
	r.mu.Lock()
	due := r.fetches >= tidyAfter
	if due {
		r.fetches = 0
	}
	r.mu.Unlock()
	if !due {
		return nil
	}
	keep := map[string]bool{}
	for _, name := range names {
		keep[local(name)] = true
	}
	refs, err := r.Refs(ctx)
	if err != nil {
		return err
	}
	var drop strings.Builder
	for ref := range refs {
		if strings.HasPrefix(ref, "refs/fetched/") && !keep[ref] {
			fmt.Fprintf(&drop, "delete %s\n", ref)
		}
	}
	r.mu.Lock()
	r.tips = nil
	r.mu.Unlock()
	for _, c := range []command{
		{dir: r.Dir, args: []string{"update-ref", "--stdin"}, stdin: strings.NewReader(drop.String())},
		{dir: r.Dir, args: []string{"gc", "--quiet", "--prune=1.hour.ago"}},
	} {
		if _, err := r.git.run(ctx, c); err != nil {
			return fmt.Errorf("packing %s: %w", filepath.Base(r.Dir), err)
		}
	}
	return nil
}

// Unlock removes the lock files that a killed git left. Only the one process that writes to a
// repository may call it, and only while it is not writing.
func (r *Repo) Unlock() {
	for _, pattern := range []string{"*.lock", "refs/fetched/*.lock", "objects/pack/tmp_*", "gc.pid"} {
		stale, _ := filepath.Glob(filepath.Join(r.Dir, pattern))
		for _, f := range stale {
			_ = os.Remove(f)
		}
	}
}

// Close ends the process that reads objects. The repository may be used again.
func (r *Repo) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
}
