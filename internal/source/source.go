package source

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
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
	opts Options
}

var errTODO = errors.New("not implemented")

// New makes Sources. Nothing is read before the first Resolve, Fetch or Watch.
func New(opts Options) (*Sources, error) { return &Sources{opts: opts}, nil }

// Close stops polling and waits for reads under way. No callback runs after it returns.
func (s *Sources) Close() error { return nil }

// Resolve says which artifact ref means. It is a map lookup when the repository was read within
// the interval, and reads it otherwise. The error is non-nil only when there is no artifact to
// name at all; a stale answer carries its error in Resolution.Err.
func (s *Sources) Resolve(ctx context.Context, ref model.Ref) (Resolution, error) {
	return Resolution{}, errTODO
}

// Fetch is Resolve with the content on disk: Artifact.Dir exists and may be read for at least ten
// minutes, and for as long as a watch's reference resolves to it. Like Resolve it answers with
// the last good artifact when the remote cannot be read.
func (s *Sources) Fetch(ctx context.Context, ref model.Ref) (model.Artifact, error) {
	return model.Artifact{}, errTODO
}

// Refresh reads ref's remote now, whatever the interval says, as for a "sync" button.
func (s *Sources) Refresh(ctx context.Context, ref model.Ref) (Resolution, error) {
	return Resolution{}, errTODO
}

// Watch polls ref's repository for release id until Unwatch, and replaces an earlier watch of id.
// Call it before Resolve: then no change between the two is missed.
func (s *Sources) Watch(id model.ReleaseID, ref model.Ref) {}

// Unwatch ends the watch of id.
func (s *Sources) Unwatch(id model.ReleaseID) {}

// Notify reads the repository of a push now and reports what it changed through OnChange before
// it returns. It returns how many watched repositories the push was for.
func (s *Sources) Notify(ctx context.Context, push Push) (int, error) { return 0, errTODO }
