package testkit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/server/webhook"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// The real git clones and pushes, and the push arrives at a webhook endpoint.
func TestGitServerServesGit(t *testing.T) {
	pushes := make(chan webhook.Push, 10)
	endpoint := httptest.NewServer(webhook.Handler(webhook.Options{
		Secrets: []string{"s3cret"}, Notify: notify(pushes),
	}))
	defer endpoint.Close()
	var url string
	server, err := testkit.NewGitServer(testkit.GitOptions{
		Root: t.TempDir(), Username: "u", Password: "p",
		OnPush: func(p testkit.GitPush) {
			if err := testkit.SendPush(t.Context(), endpoint.URL, "s3cret", url+"/"+p.Repository+".git", p); err != nil {
				t.Error(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := server.Create(t.Context(), "team/fleet"); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(t.TempDir(), "work")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
			"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	withPassword := "http://u:p@" + url[len("http://"):] + "/team/fleet.git"
	git("init", "-q", "-b", "trunk")
	if err := os.WriteFile(filepath.Join(work, "a"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	git("add", "a")
	git("commit", "-q", "-m", "first")
	git("push", "-q", withPassword, "trunk")
	select {
	case p := <-pushes:
		if p.Ref != "refs/heads/trunk" || len(p.Commit) != 40 || p.URLs[0] != url+"/team/fleet.git" {
			t.Errorf("push %+v", p)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the webhook heard nothing")
	}
	git("clone", "-q", withPassword, "again") // checks out the branch that was pushed first
	if _, err := os.Stat(filepath.Join(work, "again", "a")); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]int{
		"/team/fleet.git/info/refs?service=git-upload-pack":   http.StatusUnauthorized,
		"/../../etc/passwd/info/refs?service=git-upload-pack": http.StatusUnauthorized,
		"/team/fleet.git/HEAD":                                http.StatusUnauthorized,
	} {
		if resp, err := http.Get(url + path); err != nil || resp.StatusCode != want {
			t.Errorf("%s without a password: %v, %v", path, resp.Status, err)
		}
	}
}

func notify(to chan<- webhook.Push) func(context.Context, webhook.Push) (int, error) {
	return func(_ context.Context, p webhook.Push) (int, error) { to <- p; return 1, nil }
}
