package ci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runner runs a pipeline's jobs in shells of this machine.
type runner struct {
	program string // gitlab-ci-local
	repo    string
	home    string
	env     []string
}

// installRunner gives gitlab-ci-local as package-lock.json says, from a folder that outlives the
// tests.
func installRunner(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := cacheDir("gitlab-ci-local-" + hex.EncodeToString(sum[:6]))
	program := filepath.Join(dir, "node_modules", ".bin", "gitlab-ci-local")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "npm-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(part)
	for _, file := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(part, file), string(data))
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(part, dir); err != nil && !exists(program) { // another run was faster
		t.Fatal(err)
	}
	return program
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// result is what a run of the pipeline said.
type result struct {
	ok  bool
	log string
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// run runs the pipeline, or the jobs that are named.
func (r *runner) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	all := []string{
		"--home", r.home, "--force-shell-executor", "--shell-isolation", "--no-timestamps",
		"--no-artifacts-to-source", "--concurrency", "1",
	}
	cmd := exec.CommandContext(ctx, r.program, append(all, args...)...)
	cmd.Dir, cmd.Env = r.repo, r.env
	// Jobs have children of their own: all of them end with the run.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	log := colours.ReplaceAllString(out.String(), "")
	t.Logf("gitlab-ci-local %s: %v, %.1fs\n%s", strings.Join(args, " "), err, time.Since(began).Seconds(), log)
	return result{ok: err == nil, log: log}
}

// want is a run that has to be as it should be.
func (r *runner) want(t *testing.T, ok bool, args ...string) string {
	t.Helper()
	got := r.run(t, args...)
	if got.ok != ok {
		t.Fatalf("the pipeline's success is %v, want %v", got.ok, ok)
	}
	return got.log
}

// has fails the test unless the log has all the words.
func has(t *testing.T, log string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(log, w) {
			t.Errorf("the log does not say %q", w)
		}
	}
}

// hasNot fails the test if the log has one of the words.
func hasNot(t *testing.T, log string, words map[string]string) {
	t.Helper()
	for name, w := range words {
		if w == "" || strings.Contains(log, w) {
			t.Errorf("the log holds %s", name)
		}
	}
}

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(fmt.Errorf("writing a file: %w", err))
	}
}
