package source_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// kit is a Git server with one repository, and sources that heard of what changed.
type kit struct {
	t     testing.TB
	srv   *testkit.GitServer
	url   string // of the server
	repo  *git.Repo
	cache string
	*source.Sources

	mu      sync.Mutex
	heard   *sync.Cond
	changes [][]model.ReleaseID
	errors  []heardError

	committed map[string]bool // by randomCommit, and still there
}

type heardError struct {
	ids []model.ReleaseID
	err error
}

const repoName = "fluxcd/helm-operator-get-started"

func newKit(t testing.TB, opts source.Options, gitOpts testkit.GitOptions) *kit {
	t.Helper()
	k := &kit{t: t, committed: map[string]bool{}}
	k.heard = sync.NewCond(&k.mu)
	gitOpts.Root = t.TempDir()
	srv, err := testkit.NewGitServer(gitOpts)
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := srv.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	k.srv, k.url = srv, url
	if k.repo, err = srv.Create(t.Context(), repoName); err != nil {
		t.Fatal(err)
	}
	opts.CacheDir = t.TempDir()
	k.cache = opts.CacheDir
	opts.OnChange = func(ids []model.ReleaseID) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.changes = append(k.changes, ids)
		k.heard.Broadcast()
	}
	opts.OnError = func(ids []model.ReleaseID, err error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.errors = append(k.errors, heardError{ids, err})
		k.heard.Broadcast()
	}
	for i := range opts.Rewrites {
		opts.Rewrites[i].To = url + opts.Rewrites[i].To
	}
	if k.Sources, err = source.New(opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// commit puts files on main and gives the commit's ID.
func (k *kit) commit(files map[string]string, del ...string) string {
	k.t.Helper()
	return k.commitTo("main", files, del...)
}

func (k *kit) commitTo(branch string, files map[string]string, del ...string) string {
	k.t.Helper()
	c := git.Commit{Branch: branch, Files: map[string]git.File{}, Delete: del, Message: "change"}
	for p, content := range files {
		f := git.File{Data: []byte(content)}
		if target, ok := cutPrefix(content, "link:"); ok {
			f = git.File{Mode: git.ModeLink, Data: []byte(target)}
		}
		if id, ok := cutPrefix(content, "submodule:"); ok {
			f = git.File{Mode: git.ModeSubmodule, Data: []byte(id)}
		}
		c.Files[p] = f
	}
	id, err := k.repo.Commit(k.t.Context(), c)
	if err != nil {
		k.t.Fatal(err)
	}
	return id
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// ref is a reference to a path of the repository on main.
func (k *kit) ref(path string) model.Ref {
	return model.Ref{Kind: model.SourceGit, URL: k.url + "/" + repoName, Path: path}
}

func (k *kit) push(commit string) int {
	k.t.Helper()
	n, err := k.Notify(k.t.Context(), source.Push{URLs: []string{k.url + "/" + repoName + ".git"}, Ref: "refs/heads/main", Commit: commit})
	if err != nil {
		k.t.Fatal(err)
	}
	return n
}

// takeChanges are the releases reported since the last call.
func (k *kit) takeChanges() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, ids := range k.changes {
		for _, id := range ids {
			names = append(names, id.Name)
		}
	}
	k.changes = nil
	slices.Sort(names)
	return names
}

// takeFailures are the releases that heard of an error since the last call.
func (k *kit) takeFailures() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, e := range k.errors {
		for _, id := range e.ids {
			if e.err != nil {
				names = append(names, id.Name)
			}
		}
	}
	k.errors = nil
	return names
}

// waitFor blocks until cond holds, which is asked after each callback, or fails the test.
func (k *kit) waitFor(what string, cond func() bool) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 30*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, k.heard.Broadcast)()
	k.mu.Lock()
	defer k.mu.Unlock()
	for !cond() {
		if ctx.Err() != nil {
			k.t.Fatalf("waiting for %s: changes %v, errors %v", what, k.changes, k.errors)
		}
		k.heard.Wait()
	}
}

func release(name string) model.ReleaseID {
	return model.ReleaseID{Kind: model.KindHelmRelease, Namespace: "dev", Name: name}
}

func (k *kit) fetch(ref model.Ref) model.Artifact {
	k.t.Helper()
	art, err := k.Fetch(k.t.Context(), ref)
	if err != nil {
		k.t.Fatal(err)
	}
	return art
}

func chart(name string, deps ...string) string {
	s := fmt.Sprintf("apiVersion: v2\nname: %s\nversion: 0.1.0\n", name)
	for i, d := range deps {
		if i == 0 {
			s += "dependencies:\n"
		}
		s += fmt.Sprintf("- name: dep%d\n  version: 0.1.0\n  repository: %s\n", i, d)
	}
	return s
}
