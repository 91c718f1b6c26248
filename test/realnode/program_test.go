//go:build linux

package realnode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything here may take before the test gives up.
const patience = time.Minute

// program is a binary that make build makes.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run: make build", err)
	}
	return path
}

// requireNode skips the test where a real node cannot run, and says why. In CI, as root, it can.
func requireNode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a real node takes a minute or two")
	}
	program(t, "fairlead")
	program(t, "fairlead-devcluster")
	if os.Geteuid() != 0 {
		t.Skip("no real node here: it needs root")
	}
	for _, tool := range []string{"containerd", "runc", "iptables", "buildah", "debootstrap", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			refuse(t, tool+" is missing (see the packages in .ci/run)")
		}
	}
}

func refuse(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("no real node here, though this is CI: %s", why)
	}
	t.Skipf("no real node here: %s", why)
}

// newDir makes the folder of an installation, which is removed with all that runs in it.
func newDir(t *testing.T) string {
	t.Helper()
	// Not t.TempDir: its removal would reach into what a failed test left mounted.
	dir, err := os.MkdirTemp("", "fairlead-realnode-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs are kept in %s", dir)
		}
		if out, err := exec.Command(program(t, "fairlead"), "down", "--dir", dir).CombinedOutput(); err != nil {
			t.Errorf("stopping: %v: %s", err, out)
			return
		}
		if !t.Failed() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}
	})
	return dir
}

// imageCache outlives the test: a base image takes a minute to make.
func imageCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "fairlead-test")
}

// installation is what fairlead info says, as far as the story needs it.
type installation struct {
	dir string

	Kubeconfig, Git, Registry, Node string
	Environments                    []struct{ Name, URL string }
	Processes                       []struct {
		Name string
		PID  int
	}
}

// up starts everything and returns when it is healthy.
func up(t *testing.T, dir string, more ...string) *installation {
	t.Helper()
	began := time.Now()
	args := append([]string{"up", "--detach", "--dir", dir, "--node", "containerd", "--image-cache", imageCache()}, more...)
	out, err := exec.Command(program(t, "fairlead"), args...).CombinedOutput()
	if _, why, refused := strings.Cut(string(out), "a containerd node cannot run here: "); err != nil && refused {
		why, _, _ = strings.Cut(why, "\n")
		refuse(t, why)
	}
	if err != nil {
		t.Fatalf("fairlead up: %v\n%s", err, out)
	}
	t.Logf("up after %s", time.Since(began).Round(100*time.Millisecond))
	return read(t, dir)
}

func down(t *testing.T, dir string) {
	t.Helper()
	fairlead(t, "down", "--dir", dir)
}

// read asks for what runs now.
func read(t *testing.T, dir string) *installation {
	t.Helper()
	in := &installation{dir: dir}
	if err := json.Unmarshal([]byte(fairlead(t, "info", "--dir", dir, "-o", "json")), in); err != nil {
		t.Fatalf("reading fairlead info: %v", err)
	}
	return in
}

// fairlead runs the program, which has to succeed, and returns its output.
func fairlead(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t, "fairlead"), args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fairlead %s: %v\n%s%s", strings.Join(args, " "), err, out, talk.Bytes())
	}
	return string(out)
}

// run runs the program on the cluster and returns its output and exit code.
func (in *installation) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, "fairlead"), append(args, "--kubeconfig", in.Kubeconfig)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// awaitStatus waits until get says so of a release.
func (in *installation) awaitStatus(t *testing.T, release, want string) {
	t.Helper()
	in.await(t, release, "is "+want, func(status string) bool { return status == want })
}

func (in *installation) awaitNotStatus(t *testing.T, release, not string) {
	t.Helper()
	in.await(t, release, "is no longer "+not, func(status string) bool { return status != not })
}

// await follows get --watch, which prints an object a line, until a status will do.
func (in *installation) await(t *testing.T, release, what string, will func(status string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, "fairlead"), "get", release, "--watch", "-o", "json", "--kubeconfig", in.Kubeconfig)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it was interrupted
	}()
	last := "nothing"
	for lines := json.NewDecoder(out); ; {
		var line struct {
			Release struct{ Status, Message string }
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatalf("waiting until %s %s: %v; last was %s", release, what, err, last)
		}
		if will(line.Release.Status) {
			return
		}
		last = fmt.Sprintf("%s (%s)", line.Release.Status, line.Release.Message)
	}
}

func (in *installation) url(t *testing.T, environment string) string {
	t.Helper()
	for _, e := range in.Environments {
		if e.Name == environment && e.URL != "" {
			return e.URL
		}
	}
	t.Fatalf("no address of %s in %+v", environment, in.Environments)
	return ""
}

// pid is the process that does a part of the work.
func (in *installation) pid(t *testing.T, name string) int {
	t.Helper()
	for _, p := range in.Processes {
		if p.Name == name {
			return p.PID
		}
	}
	t.Fatalf("no %s among the processes %+v", name, in.Processes)
	return 0
}

func kill(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("ending process %d: %v", pid, err)
	}
}

// awaitGone waits until nobody says any more that it runs in dir.
func awaitGone(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if exec.Command(program(t, "fairlead"), "info", "--dir", dir).Run() != nil {
			return
		}
	}
	t.Fatal("what was killed still runs")
}

// fleet is a clone of the fleet repository, worked on with the git people have.
type fleet struct{ dir string }

func cloneFleet(t *testing.T, url string) *fleet {
	t.Helper()
	f := &fleet{dir: filepath.Join(t.TempDir(), "fleet")}
	f.git(t, ".", "clone", "--quiet", url, f.dir)
	return f
}

// push replaces words of a file, in pairs of old and new, and pushes that.
func (f *fleet) push(t *testing.T, file string, words ...string) {
	t.Helper()
	path := filepath.Join(f.dir, file)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(words...).Replace(string(old))
	if text == string(old) {
		t.Fatalf("%s has none of %q", file, words)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f.git(t, f.dir, "commit", "--quiet", "--all", "--message", "Change "+file)
	f.git(t, f.dir, "push", "--quiet")
}

func (f *fleet) git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@localhost", "GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@localhost")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s", args[0], err, out)
	}
}
