package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// Repository is one remote, seen through one credential.
type Repository struct {
	git    *git.Git
	remote git.Remote
	dir    string
	limit  tree.Limits
	cache  tree.Cache
	chosen tree.Selections

	// fetching is held while talking to the remote, so that no two fetches bring the same.
	fetching sync.Mutex

	mu    sync.Mutex
	repo  *git.Repo
	refs  git.Refs          // as last read
	roots map[string]string // commits that are here, and their root trees
}

// New makes a repository whose copy is kept in dir.
func New(g *git.Git, remote git.Remote, dir string, limit tree.Limits) *Repository {
	return &Repository{git: g, remote: remote, dir: dir, limit: limit, roots: map[string]string{}}
}

// Close ends the processes that read the copy.
func (r *Repository) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.repo != nil {
		r.repo.Close()
	}
	r.remote.Close()
}

// Read looks at the remote's refs and fetches those that refs mean and that moved. It reports
// whether anything is different from before. A ref that does not exist is no error here: only the
// releases that name it have one.
func (r *Repository) Read(ctx context.Context, wants []model.Ref) (changed bool, err error) {
	r.fetching.Lock()
	defer r.fetching.Unlock()
	refs, err := r.git.LsRemote(ctx, r.remote)
	if err != nil {
		return false, err
	}
	if err := r.bring(ctx, wants, refs); err != nil {
		return false, err
	}
	r.move(ctx, refs)
	r.tidy(ctx, wants, refs)
	r.mu.Lock()
	defer r.mu.Unlock()
	changed = refs.Head != r.refs.Head || !maps.Equal(refs.Commits, r.refs.Commits)
	r.refs = refs
	return changed, nil
}

// Pushed brings one ref that someone said was pushed. ok is false when only Read can tell what
// the push means: the ref is new, was deleted, or is a tag that a range may take.
func (r *Repository) Pushed(ctx context.Context, wants []model.Ref, ref, commit string) (changed, ok bool, err error) {
	r.fetching.Lock()
	defer r.fetching.Unlock()
	r.mu.Lock()
	old, known := r.refs.Commits[ref]
	refs := git.Refs{Head: r.refs.Head, Commits: maps.Clone(r.refs.Commits)}
	r.mu.Unlock()
	if !known || !strings.HasPrefix(ref, "refs/heads/") || !git.IsCommitID(commit) || strings.Trim(commit, "0") == "" {
		return false, false, nil
	}
	if old == commit {
		return false, true, nil
	}
	wanted := false
	for _, w := range wants {
		c, err := choose(w.Git, refs)
		wanted = wanted || (err == nil && c.name == ref)
	}
	if !wanted {
		return false, true, nil
	}
	got, err := r.fetch(ctx, []string{ref})
	if err != nil {
		return false, true, err
	}
	// The push only said where to look: what counts is where the remote has the branch. A mirror
	// that lags has it where it was; then the remote is read as a whole, and again by and by.
	if got[ref] == old {
		return false, false, nil
	}
	refs.Commits[ref] = got[ref]
	if refs.Head == ref {
		refs.Commits["HEAD"] = got[ref]
	}
	r.move(ctx, refs)
	r.mu.Lock()
	r.refs = refs
	r.mu.Unlock()
	return true, true, nil
}

// move takes along what was selected to where refs are, before anybody is answered from them.
func (r *Repository) move(ctx context.Context, refs git.Refs) {
	r.mu.Lock()
	repo := r.repo
	r.mu.Unlock()
	if repo == nil {
		return // nothing was selected yet
	}
	r.chosen.Move(ctx, func(of model.GitRef) (tree.Tree, bool) {
		c, err := choose(of, refs)
		if err != nil {
			return tree.Tree{}, false
		}
		root, here := r.root(c.commit)
		return tree.Tree{Reader: objects{repo}, Root: root, Cache: &r.cache}, here
	})
}

// Touched gives the keys of the references that may mean other content than before the last call.
// What else was resolved means the same, at another commit.
func (r *Repository) Touched() []string { return r.chosen.Touched() }

// bring fetches what wants mean in refs and is not here.
func (r *Repository) bring(ctx context.Context, wants []model.Ref, refs git.Refs) error {
	var names []string
	seen := map[string]bool{}
	for _, w := range wants {
		c, err := choose(w.Git, refs)
		if err != nil || seen[c.name] || c.name == c.commit {
			continue // a commit given by ID is fetched when asked for, and its error is its own
		}
		seen[c.name] = true
		if _, here := r.root(c.commit); !here {
			names = append(names, c.name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	got, err := r.fetch(ctx, names)
	if err != nil {
		return err
	}
	for name, id := range got {
		refs.Commits[name] = id // it may have moved since the refs were read
		if name == refs.Head {
			refs.Commits["HEAD"] = id
		}
	}
	return nil
}

// tidy keeps the copy small. It is done while polling, where nobody waits; a copy that could not
// be tidied is as good as it was.
func (r *Repository) tidy(ctx context.Context, wants []model.Ref, refs git.Refs) {
	r.mu.Lock()
	repo := r.repo
	r.mu.Unlock()
	if repo == nil {
		return
	}
	var names []string
	for _, w := range wants {
		if c, err := choose(w.Git, refs); err == nil {
			names = append(names, c.name)
		}
	}
	if repo.Tidy(ctx, names) != nil {
		repo.Unlock()
	}
}

func (r *Repository) root(commit string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.roots[commit]
	return id, ok
}

// fetch brings refs here and notes their root trees.
func (r *Repository) fetch(ctx context.Context, names []string) (map[string]string, error) {
	repo, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	got, err := repo.Fetch(ctx, r.remote, names)
	if model.ReasonOf(err, "") == git.ReasonCorrupt {
		// The copy can be had again.
		if repo, err = r.startOver(ctx); err == nil {
			got, err = repo.Fetch(ctx, r.remote, names)
		}
	}
	if err != nil {
		repo.Unlock()
		return nil, err
	}
	for _, commit := range got {
		if err := r.note(ctx, repo, commit); err != nil {
			return nil, err
		}
	}
	return got, nil
}

const maxRoots = 10_000

// note reads which tree a commit has.
func (r *Repository) note(ctx context.Context, repo *git.Repo, commit string) error {
	obj, err := repo.Object(ctx, commit)
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(obj.Data[:min(len(obj.Data), 80)]), "\n")
	id, ok := strings.CutPrefix(line, "tree ")
	if obj.Type != "commit" || !ok || !git.IsCommitID(id) {
		return fmt.Errorf("reading commit %s: it is a %s", commit, obj.Type)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.roots) >= maxRoots {
		clear(r.roots)
	}
	r.roots[commit] = id
	return nil
}

func (r *Repository) open(ctx context.Context) (*git.Repo, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.repo != nil {
		return r.repo, nil
	}
	repo, err := r.git.InitBare(ctx, r.dir)
	if err != nil {
		return nil, err
	}
	repo.Unlock()
	now := time.Now()
	_ = os.Chtimes(r.dir, now, now) // in use: see what removes copies that are not
	r.repo = repo
	return repo, nil
}

// startOver throws the copy away and begins a new one.
func (r *Repository) startOver(ctx context.Context) (*git.Repo, error) {
	r.mu.Lock()
	if r.repo != nil {
		r.repo.Close()
	}
	r.repo = nil
	clear(r.roots)
	r.mu.Unlock()
	if err := os.RemoveAll(r.dir); err != nil {
		return nil, fmt.Errorf("removing a damaged copy: %w", err)
	}
	return r.open(ctx)
}

// Resolve says what ref means according to the refs last read. It talks to the remote only for a
// commit that is not here yet.
func (r *Repository) Resolve(ctx context.Context, ref model.Ref) (artifact.Found, error) {
	found, err := r.resolve(ctx, ref)
	if errors.Is(err, git.ErrMissing) {
		// Thought to be here, but removed since: a branch went back to where it was long ago.
		r.mu.Lock()
		clear(r.roots)
		r.mu.Unlock()
		if err := r.refetch(ctx, ref); err != nil {
			return artifact.Found{}, r.about(err)
		}
		found, err = r.resolve(ctx, ref)
	}
	return found, err
}

// refetch brings the commit that ref means, with all that belongs to it.
func (r *Repository) refetch(ctx context.Context, ref model.Ref) error {
	r.fetching.Lock()
	defer r.fetching.Unlock()
	r.mu.Lock()
	refs := r.refs
	r.mu.Unlock()
	c, err := choose(ref.Git, refs)
	if err != nil {
		return err
	}
	if _, err := r.startOver(ctx); err != nil {
		return err
	}
	_, err = r.fetch(ctx, []string{c.name})
	return err
}

func (r *Repository) resolve(ctx context.Context, ref model.Ref) (artifact.Found, error) {
	r.mu.Lock()
	refs := r.refs
	r.mu.Unlock()
	c, err := choose(ref.Git, refs)
	if err != nil {
		return artifact.Found{}, r.about(err)
	}
	commit, rootTree, err := r.have(ctx, c)
	if err != nil {
		return artifact.Found{}, r.about(err)
	}
	repo, err := r.open(ctx)
	if err != nil {
		return artifact.Found{}, err
	}
	t := tree.Tree{Reader: objects{repo}, Root: rootTree, Cache: &r.cache}
	sel, err := r.chosen.Select(ctx, ref.Git, ref.Key(), t, ref.Path, ref.Files, r.limit)
	if err != nil {
		return artifact.Found{}, r.at(err, c.label, commit)
	}
	found := artifact.Found{
		Artifact: model.Artifact{Path: sel.Path, Digest: sel.Digest, Revision: model.Revision{Ref: c.label, Commit: commit}},
		Warnings: sel.Warnings,
		Fill:     r.filling(sel.Write),
	}
	if sel.Plain() {
		found.Files = r.reading(sel)
	}
	if chart, beside, ok := sel.Chart(); ok {
		found.Chart = artifact.Part{Digest: chart.Digest, Fill: r.filling(chart.Write)}
		found.Beside = artifact.Part{Digest: beside.Digest, Fill: r.filling(beside.Write)}
	}
	return found, nil
}

// filling forgets what is known of trees when their content turns out to be gone, so that resolving
// again finds that out too, and brings it.
func (r *Repository) filling(write artifact.Fill) artifact.Fill {
	return func(ctx context.Context, dir string) (int64, error) {
		n, err := write(ctx, dir)
		r.misses(err)
		return n, err
	}
}

func (r *Repository) misses(err error) bool {
	gone := errors.Is(err, git.ErrMissing)
	if gone {
		r.cache.Clear()
		r.chosen.Clear()
	}
	return gone
}

// reading is filling for content that is read where it is; nil where it cannot be.
func (r *Repository) reading(sel *tree.Selection) func(missing func()) fs.FS {
	if _, ok := sel.Files(nil); !ok {
		return nil
	}
	return func(missing func()) fs.FS {
		files, _ := sel.Files(func(err error) {
			if r.misses(err) {
				missing()
			}
		})
		return files
	}
}

// have makes sure that a choice's commit is here, and gives its root tree.
func (r *Repository) have(ctx context.Context, c choice) (commit, rootTree string, err error) {
	if id, ok := r.root(c.commit); ok {
		return c.commit, id, nil
	}
	r.fetching.Lock()
	defer r.fetching.Unlock()
	if id, ok := r.root(c.commit); ok {
		return c.commit, id, nil
	}
	if repo, err := r.open(ctx); err == nil && r.note(ctx, repo, c.commit) == nil {
		id, _ := r.root(c.commit) // an earlier process fetched it
		return c.commit, id, nil
	}
	// The ID is asked for rather than the name: this is the commit that was observed.
	got, err := r.fetch(ctx, []string{c.commit})
	if err != nil && c.name != c.commit && model.KindOf(err) == model.ErrNotFound {
		got, err = r.fetch(ctx, []string{c.name}) // old servers give no commit by ID
	}
	if err != nil {
		return "", "", err
	}
	for _, commit := range got {
		id, _ := r.root(commit)
		return commit, id, nil
	}
	return "", "", errors.New("fetching gave no commit")
}

// about names the repository in an error.
func (r *Repository) about(err error) error {
	return fmt.Errorf("reading %s: %w", r.remote.Address, err)
}

// at names repository and commit in an error.
func (r *Repository) at(err error, label, commit string) error {
	if label == commit {
		return fmt.Errorf("reading %s at %.7s: %w", r.remote.Address, commit, err)
	}
	return fmt.Errorf("reading %s at %s (%.7s): %w", r.remote.Address, label, commit, err)
}
