package source

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
)

// upstream is one thing elsewhere that is read as a whole: a Git repository, an index of charts,
// a list of tags, a folder.
type upstream interface {
	// Read observes the remote for the references of interest, and reports whether anything
	// differs from before. After an error the earlier observation stands.
	Read(ctx context.Context, wants []model.Ref) (changed bool, err error)
	// Resolve says what ref means by the last observation. It does not change with time.
	Resolve(ctx context.Context, ref model.Ref) (artifact.Found, error)
	// Close gives up processes and connections.
	Close()
}

// pusher is an upstream that can look at one ref alone.
type pusher interface {
	Pushed(ctx context.Context, wants []model.Ref, ref, commit string) (changed, ok bool, err error)
}

// sparing is an upstream that knows what an observation leaves as it was.
type sparing interface {
	// Touched gives the keys of the references (model.Ref.Key) that may mean other content than
	// before the last call. What else was resolved means the same.
	Touched() []string
}

// remote is an upstream, what was observed of it, and who is interested.
type remote struct {
	src     upstream
	reading chan struct{} // holds one token: whoever has it may read

	mu        sync.Mutex
	addresses map[string]git.Address // all URLs it was asked for by, and its rewritten one
	answers   map[string]*answer     // by the reference's key
	watches   map[model.ReleaseID]*watch
	byKey     map[string]map[model.ReleaseID]*watch // the same, by what is watched
	version   int                                   // counts observations that differed
	started   time.Time                             // when the last read began
	observed  time.Time                             // when the last successful read began
	err       error                                 // of the last read
	failures  int                                   // reads that failed since the last success
	used      time.Time
	timer     *time.Timer // set while someone watches

	loose   map[string]bool // keys of answers that a sparing upstream does not follow
	failing bool            // a watch may have been told of a failure
	wanted  []model.Ref     // what wants gave last; nil when there is more
	swept   time.Time       // when what nobody needs any more was dropped
}

// answer is what one reference resolved to.
type answer struct {
	ref     model.Ref
	version int            // of the observation it follows from; 0 when it has to be resolved again
	found   artifact.Found // the last good one
	err     error          // why the latest observation gave none
	tried   bool           // it was resolved before, with whatever outcome
	used    time.Time
}

// watch is a release's interest in a reference, and what the release was told of it last.
type watch struct {
	key     string
	digest  string
	failure string
}

// news is what watching releases have to be told.
type news struct {
	changed   []model.ReleaseID
	failed    map[string][]model.ReleaseID // by message
	errs      map[string]error
	recovered []model.ReleaseID
}

func newRemote(src upstream) *remote {
	r := &remote{
		src: src, reading: make(chan struct{}, 1), used: time.Now(),
		addresses: map[string]git.Address{}, answers: map[string]*answer{}, watches: map[model.ReleaseID]*watch{}, byKey: map[string]map[model.ReleaseID]*watch{},
		loose: map[string]bool{},
	}
	r.reading <- struct{}{}
	return r
}

// want notes that ref is of interest, and reports whether it was never resolved before.
func (r *remote) want(key string, ref model.Ref) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.used = now
	a, ok := r.answers[key]
	if !ok {
		ref.Auth = nil // the upstream has it
		a = &answer{ref: ref}
		r.add(key, a)
	}
	a.used = now
	return !a.tried
}

// add is called with mu held.
func (r *remote) add(key string, a *answer) {
	r.answers[key], r.loose[key], r.wanted = a, true, nil
}

// unwanted is how long a reference that nobody watches is kept up to date.
const unwanted = 30 * time.Minute

// wants are the references of interest, those nobody needs any more dropped: one for each version
// that is asked for. Which parts of it are is no matter of reading.
func (r *remote) wants() []model.Ref {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.wanted != nil && now.Sub(r.swept) < unwanted/8 {
		return r.wanted
	}
	type version struct {
		git     model.GitRef
		version string
	}
	var refs []model.Ref
	var last version // mostly all are of one
	seen := map[version]bool{}
	old := now.Add(-unwanted)
	for key, a := range r.answers {
		if a.used.Before(old) && len(r.byKey[key]) == 0 {
			delete(r.answers, key)
			delete(r.loose, key)
			continue
		}
		if v := (version{a.ref.Git, a.ref.Version}); len(refs) == 0 || v != last && !seen[v] {
			last, seen[v] = v, true
			refs = append(refs, a.ref)
		}
	}
	r.wanted, r.swept = refs, now
	return refs
}

// observation is when the remote was last read with success, and the error when the last read failed.
func (r *remote) observation() (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.observed, r.err
}

func (r *remote) age() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.started)
}

// recordRead notes the outcome of a read that began at start.
func (r *remote) recordRead(start time.Time, changed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started, r.err = start, err
	if err != nil {
		r.failures++
		for key := range r.answers {
			r.loose[key] = true // everyone hears of the failure, and everyone of its end
		}
		return
	}
	r.failures, r.observed = 0, start
	if changed || r.version == 0 {
		r.version++
	}
}

// stale gives the answers that a new observation may have changed, by key, watched ones only.
func (r *remote) stale() []string {
	src, spares := r.src.(sparing)
	var touched []string
	if spares {
		touched = src.Touched()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range touched {
		if r.answers[key] != nil {
			r.loose[key] = true
		}
	}
	var keys []string
	look := func(key string) {
		if a := r.answers[key]; a.version != r.version && len(r.byKey[key]) > 0 {
			keys = append(keys, key)
		}
	}
	if spares {
		for key := range r.loose {
			look(key)
		}
		return keys
	}
	for key := range r.answers {
		look(key)
	}
	return keys
}

func (r *remote) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.answers[key]; a != nil {
		a.version, r.loose[key] = 0, true
	}
}

// lookup gives an answer, and whether it follows from the present observation.
func (r *remote) lookup(key string) (a answer, version int, current bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have, ok := r.answers[key]
	if !ok {
		return answer{}, r.version, false
	}
	return *have, r.version, have.version == r.version && r.version > 0
}

// keep stores what a reference resolved to by observation version, and works out whom it concerns.
func (r *remote) keep(key string, ref model.Ref, version int, found artifact.Found, err error, out *news) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.answers[key]
	if !ok {
		a = &answer{ref: ref, used: time.Now()}
		r.add(key, a)
	}
	if a.version > version {
		return *a // someone resolved it by a later observation meanwhile
	}
	a.version, a.err, a.tried = version, err, true
	if err == nil && version == r.version {
		delete(r.loose, key)
	} else {
		r.loose[key] = true
	}
	if err == nil {
		a.found = found
	} else if !lasting(err) {
		a.version = 0
	}
	for id, w := range r.byKey[key] {
		r.tell(id, w, a.found.Artifact.Digest, err, out)
	}
	return *a
}

// lasting reports whether an error follows from what was observed, so that only another
// observation can change it.
func lasting(err error) bool {
	k := model.KindOf(err)
	return k == model.ErrInvalid || k == model.ErrNotFound
}

// tell notes what release id should hear. Called with mu held.
func (r *remote) tell(id model.ReleaseID, w *watch, digest string, err error, out *news) {
	if errors.Is(err, context.Canceled) {
		return
	}
	had, failed := w.digest, w.failure
	if err != nil {
		w.failure, r.failing = err.Error(), true
		if w.failure != failed {
			out.fail(id, err)
		}
		return
	}
	w.digest, w.failure = digest, ""
	if failed != "" {
		out.recovered = append(out.recovered, id)
	}
	// A release hears nothing of its first digest: it is about to ask. Unless it asked and failed.
	if had != digest && (had != "" || failed != "") {
		out.changed = append(out.changed, id)
	}
}

// broadcast tells everyone that the remote cannot be read, or that it can again.
func (r *remote) broadcast(err error, out *news) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && !r.failing {
		return
	}
	r.failing = false
	for id, w := range r.watches {
		if err != nil {
			r.tell(id, w, "", err, out)
		} else if a := r.answers[w.key]; w.failure != "" && a != nil && a.version == r.version {
			r.tell(id, w, a.found.Artifact.Digest, a.err, out)
		}
		r.failing = r.failing || w.failure != ""
	}
}

// addWatch and dropWatch are called with mu held.
func (r *remote) addWatch(id model.ReleaseID, w *watch) {
	r.dropWatch(id)
	r.watches[id] = w
	if r.byKey[w.key] == nil {
		r.byKey[w.key] = map[model.ReleaseID]*watch{}
	}
	r.byKey[w.key][id] = w
}

func (r *remote) dropWatch(id model.ReleaseID) {
	w, ok := r.watches[id]
	if !ok {
		return
	}
	delete(r.watches, id)
	if delete(r.byKey[w.key], id); len(r.byKey[w.key]) == 0 {
		delete(r.byKey, w.key)
	}
}

func (n *news) fail(id model.ReleaseID, err error) {
	if n.failed == nil {
		n.failed, n.errs = map[string][]model.ReleaseID{}, map[string]error{}
	}
	n.failed[err.Error()] = append(n.failed[err.Error()], id)
	n.errs[err.Error()] = err
}

func (r *remote) addUsed(used map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.watches {
		if w.digest != "" {
			used[w.digest] = true
		}
		if a := r.answers[w.key]; a != nil {
			used[a.found.Chart.Digest], used[a.found.Beside.Digest] = true, true
		}
	}
}
