package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

	mu      sync.Mutex // guards reader
	reader  *reader
	fetches int
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

// Fetch brings the newest commit of each of names (full ref names, "HEAD", or commit IDs) here,
// without history, and gives the commit each one is at.
func (r *Repo) Fetch(ctx context.Context, remote Remote, names []string) (map[string]string, error) {
	var specs strings.Builder
	for _, name := range names {
		if !ValidRef(name) {
			return nil, fmt.Errorf("fetching %q: no valid ref name", name)
		}
		fmt.Fprintf(&specs, "+%s:%s\n", name, local(name))
	}
	c := command{
		dir: r.Dir,
		args: []string{"fetch", "--quiet", "--force", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
			"--no-show-forced-updates", "--stdin", "--end-of-options", remote.Address.URL},
		stdin: strings.NewReader(specs.String()),
		limit: r.git.opts.FetchBytes,
	}
	if _, err := r.git.talk(ctx, remote, c); err != nil {
		return nil, explain(err, "fetching from", remote.Address)
	}
	got := make(map[string]string, len(names))
	for _, name := range names {
		obj, err := r.Object(ctx, local(name)+"^{commit}")
		if err != nil {
			return nil, fmt.Errorf("fetching %s from %s: %w", name, remote.Address, err)
		}
		got[name] = obj.ID
	}
	r.tidy(ctx)
	return got, nil
}

// local is the ref that keeps what was fetched of a remote's ref. It is a digest, so that refs
// which cannot exist side by side as files ("a" and, later, "a/b") never meet.
func local(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "refs/fetched/" + hex.EncodeToString(sum[:16])
}

// tidy packs what many small fetches left. Objects nothing refers to stay an hour: someone may be
// about to read them.
func (r *Repo) tidy(ctx context.Context) {
	r.mu.Lock()
	r.fetches++
	due := r.fetches%200 == 0
	r.mu.Unlock()
	if due {
		// A failure leaves the repository as good as it was, only larger.
		_, _ = r.git.run(ctx, command{dir: r.Dir, args: []string{"gc", "--quiet", "--prune=1.hour.ago"}})
	}
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
