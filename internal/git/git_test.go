package git_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]git.Address{
		"https://github.com/org/app.git":          {Scheme: "https", Host: "github.com", Path: "/org/app.git", URL: "https://github.com/org/app.git"},
		"https://GitHub.com:443/org/app":          {Scheme: "https", Host: "github.com", Path: "/org/app", URL: "https://GitHub.com:443/org/app"},
		"http://u:p%40ss@host:8080/org/app?x=1#y": {Scheme: "http", Host: "host", Port: "8080", User: "u", Password: "p@ss", Path: "/org/app", URL: "http://host:8080/org/app"},
		"ssh://git@host:2222/org/app":             {Scheme: "ssh", Host: "host", Port: "2222", User: "git", Path: "/org/app", URL: "ssh://git@host:2222/org/app"},
		"git@github.com:org/app":                  {Scheme: "ssh", Host: "github.com", User: "git", Path: "/org/app", URL: "git@github.com:org/app"},
		"file:///srv/git/../app":                  {Scheme: "file", Path: "/srv/app", URL: "file:///srv/app"},
		"/srv/a b":                                {Scheme: "file", Path: "/srv/a b", URL: "file:///srv/a%20b"},
		"git://github.com/org/app":                {},
		"ext::sh -c x":                            {},
		"":                                        {},
		"-oProxyCommand=x:y":                      {},
		"ssh://-oProxyCommand=x/y":                {},
		"git@-oProxyCommand=x:y":                  {},
		"git@host:-x":                             {},
		"ssh://-oX@host/y":                        {},
		"https://host":                            {},
		"file://elsewhere/srv":                    {},
		"https://host/a\nb":                       {},
		"https://user:s3cret@ho st/a":             {},
		"svn://user:s3cret@host/a":                {},
		"ssh://git@[fe80::1]:22/org/app":          {Scheme: "ssh", Host: "fe80::1", User: "git", Path: "/org/app", URL: "ssh://git@[fe80::1]:22/org/app"},
	} {
		got, err := git.ParseAddress(raw)
		if (err != nil) != (want == git.Address{}) {
			t.Errorf("%q: %+v, %v", raw, got, err)
			continue
		}
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			t.Errorf("%q (-want +got):\n%s", raw, diff)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || model.KindOf(err) != model.ErrInvalid) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestSameRepository(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"https://github.com/org/app.git", "git@github.com:Org/app", true},
		{"ssh://git@host:2222/org/app", "https://host/org/app", true},
		{"http://host:3000/org/app", "http://host:4000/org/app", false},
		{"https://host:443/org/app/", "https://host/org/app.git", true},
		{"https://host/org/app", "https://host/org/apple", false},
		{"https://host/org/app", "https://other/org/app", false},
		{"file:///srv/app.git", "/srv/app", true},
		{"file:///org/app", "https://host/org/app", false},
	} {
		a, errA := git.ParseAddress(test.a)
		b, errB := git.ParseAddress(test.b)
		if errA != nil || errB != nil || a.Same(b) != test.want || b.Same(a) != test.want {
			t.Errorf("%s and %s: want %v", test.a, test.b, test.want)
		}
	}
}

func TestParseTreeRefusesWhatWouldEscape(t *testing.T) {
	id := strings.Repeat("\x01", 20)
	for _, tree := range []string{
		"100644 ..\x00" + id, "100644 .git\x00" + id, "40000 .GIT\x00" + id, "100644 a/b\x00" + id, "100644 \x00" + id,
		"100644 a\x00short", "100644 a", "junk a\x00" + id,
	} {
		if got, err := git.ParseTree([]byte(tree), 20); err == nil {
			t.Errorf("%q was read as %v", tree, got)
		}
	}
	got, err := git.ParseTree([]byte("100644 a\x00"+id+"40000 b\x00"+id), 20)
	if err != nil || len(got) != 2 || got[1].Mode != git.ModeDir {
		t.Errorf("%v, %v", got, err)
	}
}

// fixture is a server's repository and a copy to fetch into.
type fixture struct {
	git    *git.Git
	url    string
	server *testkit.GitServer
	origin *git.Repo
	copy   *git.Repo
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{}
	var err error
	if f.server, err = testkit.NewGitServer(testkit.GitOptions{Root: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	url, stop, err := f.server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	f.url = url + "/org/app"
	if f.origin, err = f.server.Create(t.Context(), "org/app"); err != nil {
		t.Fatal(err)
	}
	if f.git, err = git.New(git.Options{TempDir: t.TempDir(), Timeout: 20 * time.Second, FetchBytes: 8 << 20}); err != nil {
		t.Fatal(err)
	}
	if f.copy, err = f.git.InitBare(t.Context(), filepath.Join(t.TempDir(), "copy")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.copy.Close)
	t.Cleanup(f.origin.Close)
	return f
}

func (f *fixture) commit(t *testing.T, files map[string]string) string {
	t.Helper()
	c := git.Commit{Branch: "main", Message: "change\n", Files: map[string]git.File{}}
	for p, s := range files {
		c.Files[p] = git.File{Data: []byte(s)}
	}
	id, err := f.origin.Commit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fixture) remote(t *testing.T, url string) git.Remote {
	t.Helper()
	addr, err := git.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.git.Remote(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// oldServer serves as f.url does, but speaks no version 2 of the protocol.
func (f *fixture) oldServer(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Git-Protocol")
		f.server.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/org/app"
}

// Every way to a remote gives the same.
func TestFetch(t *testing.T) {
	f := newFixture(t)
	for way, url := range map[string]string{"our own client": f.url, "the binary": f.oldServer(t), "a file": f.origin.Dir} {
		t.Run(way, func(t *testing.T) {
			copied, err := f.git.InitBare(t.Context(), filepath.Join(t.TempDir(), "copy"))
			if err != nil {
				t.Fatal(err)
			}
			defer copied.Close()
			remote := f.remote(t, url)
			for i := range 5 {
				id := f.commit(t, map[string]string{"a": fmt.Sprint(way, i), fmt.Sprintf("dir/%s-%d", way, i): strings.Repeat("x", 1000)})
				refs, err := f.git.LsRemote(t.Context(), remote)
				if err != nil || refs.Commits["refs/heads/main"] != id || refs.Commits["HEAD"] != id || refs.Head != "refs/heads/main" {
					t.Fatalf("refs %+v, %v", refs, err)
				}
				got, err := copied.Fetch(t.Context(), remote, []string{"refs/heads/main", "HEAD"})
				if err != nil || got["refs/heads/main"] != id || got["HEAD"] != id {
					t.Fatalf("fetched %v, %v", got, err)
				}
				if blob, err := copied.Object(t.Context(), id+":a"); err != nil || string(blob.Data) != fmt.Sprint(way, i) {
					t.Errorf("%q, %v", blob.Data, err)
				}
			}
			if _, err := copied.Fetch(t.Context(), remote, []string{"refs/heads/none"}); model.ReasonOf(err, "") != "RefNotFound" {
				t.Errorf("a ref that does not exist: %v", err)
			}
			if _, err := copied.Fetch(t.Context(), remote, []string{"--upload-pack=x"}); err == nil {
				t.Error("a ref that is an option was fetched")
			}
			if _, err := copied.Object(t.Context(), strings.Repeat("1", 40)); !errors.Is(err, git.ErrMissing) {
				t.Errorf("an object that does not exist: %v", err)
			}
		})
	}
}

func TestFetchLargeAndTooLarge(t *testing.T) {
	f := newFixture(t)
	files := map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("many/%d", i)] = fmt.Sprint(i)
	}
	id := f.commit(t, files)
	remote := f.remote(t, f.url)
	if got, err := f.copy.Fetch(t.Context(), remote, []string{"HEAD"}); err != nil || got["HEAD"] != id {
		t.Fatalf("%v, %v", got, err)
	}
	noise := make([]byte, 9<<20)
	x := uint32(1)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	f.commit(t, map[string]string{"large": string(noise)})
	for _, url := range []string{f.url, f.oldServer(t)} {
		_, err := f.copy.Fetch(t.Context(), f.remote(t, url), []string{"HEAD"})
		if model.ReasonOf(err, "") != "RepositoryTooLarge" {
			t.Errorf("a pack larger than allowed: %v", err)
		}
	}
}

func TestTidyKeepsWhatIsNamed(t *testing.T) {
	f := newFixture(t)
	remote := f.remote(t, f.url)
	var id string
	for i := range 201 {
		if i%50 == 0 {
			id = f.commit(t, map[string]string{"a": fmt.Sprint(i)})
		}
		if _, err := f.copy.Fetch(t.Context(), remote, []string{"refs/heads/main", id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.copy.Tidy(t.Context(), []string{"refs/heads/main"}); err != nil {
		t.Fatal(err)
	}
	refs, err := f.copy.Refs(t.Context())
	if err != nil || len(refs) != 1 {
		t.Errorf("%d refs are left: %v", len(refs), err)
	}
	id = f.commit(t, map[string]string{"a": "after"})
	if got, err := f.copy.Fetch(t.Context(), remote, []string{"refs/heads/main"}); err != nil || got["refs/heads/main"] != id {
		t.Errorf("%v, %v", got, err)
	}
	if blob, err := f.copy.Object(t.Context(), id+":a"); err != nil || string(blob.Data) != "after" {
		t.Errorf("%q, %v", blob.Data, err)
	}
}

func TestPush(t *testing.T) {
	f := newFixture(t)
	first := f.commit(t, map[string]string{"a": "1"})
	work, err := f.git.InitBare(t.Context(), filepath.Join(t.TempDir(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	defer work.Close()
	remote := f.remote(t, f.url)
	if _, err := work.Commit(t.Context(), git.Commit{Branch: "feature", Message: "x", Files: map[string]git.File{"b": {Data: []byte("2")}}}); err != nil {
		t.Fatal(err)
	}
	if err := work.Push(t.Context(), remote, "feature"); err != nil {
		t.Fatal(err)
	}
	// Histories without a common commit: nothing may be lost.
	if _, err := work.Commit(t.Context(), git.Commit{Branch: "main", Message: "x", Files: map[string]git.File{"b": {Data: []byte("2")}}}); err != nil {
		t.Fatal(err)
	}
	if err := work.Push(t.Context(), remote, "main"); model.KindOf(err) != model.ErrConflict {
		t.Errorf("pushing over someone else's commit: %v", err)
	}
	if head, err := f.origin.Head(t.Context(), "refs/heads/main"); err != nil || head != first {
		t.Errorf("main is at %s, %v", head, err)
	}
	if _, err := f.origin.Commit(t.Context(), git.Commit{Branch: "main", Parent: strings.Repeat("1", 40), Files: map[string]git.File{"b": {}}}); model.KindOf(err) != model.ErrConflict {
		t.Errorf("committing on another parent: %v", err)
	}
	for _, bad := range []string{"../x", "/x", "a/../b", "", ".", "a/", "a\x00b"} {
		if _, err := f.origin.Commit(t.Context(), git.Commit{Branch: "main", Files: map[string]git.File{bad: {}}}); err == nil {
			t.Errorf("file %q was committed", bad)
		}
	}
}

func TestCancelledCommandsLeaveNothing(t *testing.T) {
	f := newFixture(t)
	f.commit(t, map[string]string{"a": "1"})
	stuck := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-stuck:
		}
	}))
	defer srv.Close()
	defer close(stuck)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := f.git.LsRemote(ctx, f.remote(t, srv.URL+"/x/y")); !errors.Is(err, context.DeadlineExceeded) && model.ReasonOf(err, "") != "Timeout" {
		t.Errorf("a server that does not answer: %v", err)
	}
}

func TestNoConfigurationOfTheMachineIsRead(t *testing.T) {
	f := newFixture(t)
	id := f.commit(t, map[string]string{"a": "1"})
	home := t.TempDir()
	evil := "[url \"http://127.0.0.1:1/\"]\n\tinsteadOf = " + strings.TrimSuffix(f.url, "org/app") + "\n[credential]\n\thelper = !touch " + home + "/ran\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, ".gitconfig"))
	t.Setenv("GIT_DIR", home)
	for _, url := range []string{f.url, f.oldServer(t)} {
		if refs, err := f.git.LsRemote(t.Context(), f.remote(t, url)); err != nil || refs.Commits["HEAD"] != id {
			t.Errorf("%+v, %v", refs, err)
		}
	}
}
