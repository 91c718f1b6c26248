package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
)

// Options configure Sources. CacheDir is required; every other zero value means its default.
type Options struct {
	CacheDir     string        // belongs to one process at a time; may be deleted between runs
	Rewrites     []Rewrite     // the first whose From matches is used
	PollInterval time.Duration // how often a watched repository is read; default 1 m, jittered by 10 %
	Parallel     int           // repositories read at the same time; default 8
	Limits       Limits
	Log          *slog.Logger // default discards

	// FileRoots are folders below which file: URLs and SourceDir references may point. Empty
	// allows none: what someone may write in a cluster must not read the controller's disk. The
	// result of a rewrite is the administrator's word and is not checked.
	FileRoots []string
	// KnownHosts are trusted SSH host keys for credentials that carry none.
	KnownHosts []byte
	// Env is added to the environment of the git binary, "KEY=value": proxy settings.
	Env []string

	// OnChange is told the watched releases whose artifact has another digest than before. It is
	// called from several goroutines and must return at once.
	OnChange func(ids []model.ReleaseID)
	// OnError is told when the source of watched releases can no longer be read or resolved, and
	// with a nil error when it can again. It is called like OnChange.
	OnError func(ids []model.ReleaseID, err error)
}

// Rewrite sends URLs that begin with From to To instead, for mirrors and networks without a way
// out. From is matched against the URL as written ("git@github.com:", "https://github.com/").
type Rewrite struct {
	From string
	To   string
}

// Limits bound foreign input. Zero is the default.
type Limits struct {
	ArtifactBytes int64         // content of one artifact; default 256 MiB
	ArtifactFiles int           // files in one artifact; default 50000
	FetchBytes    int64         // one download: a Git pack, a chart archive, an index; default 1 GiB, 64 MiB, 64 MiB
	CacheBytes    int64         // artifacts kept on disk that nothing uses; default 1 GiB
	Timeout       time.Duration // one read of a remote; default 60 s
}

// Resolution is what a reference means according to what was last observed.
type Resolution struct {
	// Artifact is the last good answer, without Dir. Its Digest is empty when there never was one.
	Artifact model.Artifact
	// Warnings are parts of the source that were left out, such as submodules.
	Warnings []string
	// ObservedAt is when the remote was last read with success.
	ObservedAt time.Time
	// Err is why the remote's present state could not be read or resolved; Artifact is then older
	// than it should be. nil when it is current.
	Err error
}

// Push is what a webhook tells: someone pushed Commit to Ref of the repository known by URLs.
type Push struct {
	URLs   []string // clone URLs in any form: https, ssh, scp-like, with or without ".git"
	Ref    string   // "refs/heads/main"; empty when unknown
	Commit string   // full commit ID; empty when unknown, zeros for a deletion
}

// Sources resolves and fetches references, and watches them for releases. It is safe for
// concurrent use.
type Sources struct {
	opts  Options
	git   *git.Git
	store *artifact.Store
	lock  *os.File
	slots chan struct{} // held while a remote is read
	proxy func(*http.Request) (*url.URL, error)

	stop context.CancelFunc // ends what runs in the background
	ctx  context.Context
	work sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	remotes map[string]*remote
	watched map[model.ReleaseID]*remote
}

// New makes Sources. Nothing is read before the first Resolve, Fetch or Watch.
func New(opts Options) (*Sources, error) {
	opts.setDefaults()
	lock, err := lockDir(opts.CacheDir)
	if err != nil {
		return nil, err
	}
	s := &Sources{
		opts: opts, lock: lock, slots: make(chan struct{}, opts.Parallel), proxy: ProxyFunc(opts.Env),
		remotes: map[string]*remote{}, watched: map[model.ReleaseID]*remote{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	temp := filepath.Join(opts.CacheDir, "tmp")
	if err := os.RemoveAll(temp); err != nil {
		return nil, fmt.Errorf("clearing the source cache: %w", err)
	}
	s.git, err = git.New(git.Options{
		TempDir: temp, Env: opts.Env, KnownHosts: opts.KnownHosts, FetchBytes: opts.Limits.FetchBytes, Timeout: opts.Limits.Timeout, Proxy: s.proxy,
	})
	if err != nil {
		return nil, err
	}
	removeStale(filepath.Join(opts.CacheDir, "git"))
	s.store, err = artifact.Open(filepath.Join(opts.CacheDir, "artifacts"), opts.Limits.CacheBytes, s.inUse)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (o *Options) setDefaults() {
	o.PollInterval = cmp.Or(o.PollInterval, time.Minute)
	o.Parallel = cmp.Or(o.Parallel, 8)
	o.Limits.ArtifactBytes = cmp.Or(o.Limits.ArtifactBytes, 256<<20)
	o.Limits.ArtifactFiles = cmp.Or(o.Limits.ArtifactFiles, 50_000)
	o.Limits.CacheBytes = cmp.Or(o.Limits.CacheBytes, 1<<30)
	o.Limits.Timeout = cmp.Or(o.Limits.Timeout, time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnChange == nil {
		o.OnChange = func([]model.ReleaseID) {}
	}
	if o.OnError == nil {
		o.OnError = func([]model.ReleaseID, error) {}
	}
}

// lockDir makes the cache folder this process's own.
func lockDir(dir string) (*os.File, error) {
	if dir == "" {
		return nil, errors.New("opening the source cache: no folder is given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the source cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the source cache: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, &model.Error{
			Kind: model.ErrConflict, Reason: "CacheInUse", Msg: "another process uses the source cache " + dir, Next: "give each process a cache folder of its own", Err: err,
		}
	}
	return f, nil
}

// Close stops polling and waits for reads under way. No callback runs after it returns.
func (s *Sources) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	remotes := slices.Collect(maps.Values(s.remotes))
	s.mu.Unlock()
	s.stop()
	for _, r := range remotes {
		r.disarm()
	}
	s.work.Wait()
	for _, r := range remotes {
		r.src.Close()
	}
	return s.lock.Close()
}

// Resolve says which artifact ref means. It is a map lookup when the repository was read within
// the interval, and reads it otherwise. The error is non-nil only when there is no artifact to
// name at all; a stale answer carries its error in Resolution.Err.
func (s *Sources) Resolve(ctx context.Context, ref model.Ref) (Resolution, error) {
	res, _, err := s.resolve(ctx, ref, time.Time{})
	return res, err
}

// Refresh reads ref's remote now, whatever the interval says, as for a "sync" button.
func (s *Sources) Refresh(ctx context.Context, ref model.Ref) (Resolution, error) {
	res, _, err := s.resolve(ctx, ref, time.Now())
	return res, err
}

// Fetch is Resolve with the content on disk: Artifact.Dir exists and may be read for at least ten
// minutes, and for as long as a watch's reference resolves to it. Like Resolve it answers with
// the last good artifact when the remote cannot be read.
func (s *Sources) Fetch(ctx context.Context, ref model.Ref) (model.Artifact, error) {
	for again := false; ; again = true {
		res, found, err := s.resolve(ctx, ref, time.Time{})
		if err != nil {
			return model.Artifact{}, err
		}
		art, err := s.place(ctx, res.Artifact, &found)
		if err == nil {
			return art, nil
		}
		if again || !errors.Is(err, git.ErrMissing) {
			return model.Artifact{}, fmt.Errorf("fetching %s: %w", art.Revision.Short(), err)
		}
		// The objects went away since it was resolved; resolving again brings them.
		s.forget(ref)
	}
}

// Open is Fetch for one who reads charts from disk, and manifests from wherever they are: those of a
// repository are in the copy of it already, and a commit to a folder of a thousand costs one. Such an
// artifact has Files in place of a folder.
func (s *Sources) Open(ctx context.Context, ref model.Ref) (model.Artifact, error) {
	res, found, err := s.resolve(ctx, ref, time.Time{})
	if err != nil {
		return model.Artifact{}, err
	}
	if found.Files == nil {
		return s.Fetch(ctx, ref)
	}
	art := res.Artifact
	art.Files = found.Files(func() { s.forget(ref) }) // resolving again brings it
	return art, nil
}

// place puts an artifact on disk, in two parts where it has them.
func (s *Sources) place(ctx context.Context, art model.Artifact, found *artifact.Found) (_ model.Artifact, err error) {
	if found.Chart.Fill == nil {
		art.Dir, err = s.store.Get(ctx, art.Digest, found.Fill)
		return art, err
	}
	art.Chart = found.Chart.Digest
	if art.Dir, err = s.store.Get(ctx, art.Chart, found.Chart.Fill); err != nil {
		return art, err
	}
	art.Beside, err = s.store.Get(ctx, found.Beside.Digest, found.Beside.Fill)
	return art, err
}

func (s *Sources) forget(ref model.Ref) {
	if r, err := s.remote(ref); err == nil {
		r.forget(ref.Key())
	}
}

// resolve answers from a read that began after since, or that is recent enough when since is zero.
func (s *Sources) resolve(ctx context.Context, ref model.Ref, since time.Time) (Resolution, artifact.Found, error) {
	r, err := s.remote(ref)
	if err != nil {
		return Resolution{}, artifact.Found{}, err
	}
	key := ref.Key()
	isNew := r.want(key, ref)
	if since.IsZero() {
		since = time.Now().Add(-r.freshness(s.opts.PollInterval))
	}
	if readErr := s.read(ctx, r, since); readErr != nil && ctx.Err() != nil {
		return Resolution{}, artifact.Found{}, readErr
	}
	a := s.answer(ctx, r, key)
	if isNew && model.KindOf(a.err) == model.ErrNotFound && a.found.Artifact.Digest == "" && r.age() > fresh {
		// What someone asks for first may have been pushed after the last read.
		if s.read(ctx, r, time.Now()) == nil {
			a = s.answer(ctx, r, key)
		}
	}
	res := Resolution{Artifact: a.found.Artifact, Warnings: a.found.Warnings}
	res.ObservedAt, res.Err = r.observation()
	if res.Err == nil {
		res.Err = a.err
	}
	if res.Artifact.Digest == "" {
		return Resolution{}, artifact.Found{}, cmp.Or(res.Err, a.err, errNothing)
	}
	return res, a.found, nil
}

// fresh is how old a read may be when something is not found that nobody asked for before.
const fresh = 100 * time.Millisecond

var errNothing = errors.New("the source was not read yet")

// inUse are the digests that watched releases are at.
func (s *Sources) inUse() map[string]bool {
	s.mu.Lock()
	remotes := slices.Collect(maps.Values(s.remotes))
	s.mu.Unlock()
	used := map[string]bool{}
	for _, r := range remotes {
		r.addUsed(used)
	}
	return used
}
