//go:build linux

package realnode

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	devFile    = "releases/dev/flask-app.yaml"
	devRelease = "dev/flask-app-dev"
)

// TestStory takes an application through what happens to one: it is started, changed, broken,
// taken back, mended, and changed while the controller is killed; then everything is killed at
// once, started again and stopped. In the end the machine is as it was.
func TestStory(t *testing.T) {
	requireNode(t)
	dir := newDir(t)
	before := observe(t, dir)

	in := up(t, dir)
	if in.Node != "containerd" || len(in.Environments) != 3 {
		t.Fatalf("node %q with environments %+v", in.Node, in.Environments)
	}
	for _, env := range in.Environments {
		in.awaitMessage(t, env.Name, "Hello from "+env.Name)
	}
	fleet := cloneFleet(t, in.Git)

	// Each part goes on where the one before it ended.
	part := func(name string, f func(t *testing.T)) {
		if !t.Failed() {
			t.Run(name, f)
		}
	}
	part("a push is served and no request fails", func(t *testing.T) {
		load := startLoad(in.url(t, "dev"))
		fleet.push(t, devFile, "Hello from dev", "Good morning")
		load.awaitMessage(t, "Good morning")
		in.awaitStatus(t, devRelease, "Healthy")
		load.expectNoFailure(t)
	})

	part("a broken image fails, is explained, and the old pods serve", func(t *testing.T) {
		load := startLoad(in.url(t, "dev"))
		fleet.push(t, devFile, `tag: "1.0.0"`, `tag: "9.9.9"`)
		in.awaitStatus(t, devRelease, "Failed")
		out, code := in.run(t, "why", devRelease)
		if code != 1 || !strings.Contains(out, in.Registry+"/flask-app:9.9.9") {
			t.Errorf("why exits with %d and says:\n%s", code, out)
		}
		in.awaitMessage(t, "dev", "Good morning")
		load.expectNoFailure(t)
	})

	part("a rollback holds the release until the fix is pushed", func(t *testing.T) {
		load := startLoad(in.url(t, "dev"))
		if out, code := in.run(t, "rollback", devRelease); code != 0 {
			t.Fatalf("rollback exits with %d: %s", code, out)
		}
		in.awaitStatus(t, devRelease, "Held")
		in.awaitMessage(t, "dev", "Good morning")
		fleet.push(t, devFile, `tag: "9.9.9"`, `tag: "1.0.0"`, "Good morning", "Good evening")
		load.awaitMessage(t, "Good evening")
		in.awaitStatus(t, devRelease, "Healthy")
		load.expectNoFailure(t)
	})

	part("a controller killed during a rollout goes on", func(t *testing.T) {
		load := startLoad(in.url(t, "dev"))
		fleet.push(t, devFile, "Good evening", "Good night")
		in.awaitNotStatus(t, devRelease, "Healthy")
		kill(t, in.pid(t, "controller"), syscall.SIGKILL)
		load.awaitMessage(t, "Good night")
		in.awaitStatus(t, devRelease, "Healthy")
		load.expectNoFailure(t)
	})

	part("everything killed at once starts again as it was", func(t *testing.T) {
		in = read(t, dir) // the controller is another one by now
		for _, p := range in.Processes {
			kill(t, p.PID, syscall.SIGKILL)
		}
		awaitGone(t, dir)
		in = up(t, dir)
		in.awaitMessage(t, "dev", "Good night")
		for _, env := range []string{"stg", "prod"} {
			in.awaitMessage(t, env, "Hello from "+env)
		}
		in.awaitStatus(t, devRelease, "Healthy")
	})

	if t.Failed() {
		return
	}
	began := time.Now()
	down(t, dir)
	t.Logf("stopped in %s", time.Since(began).Round(time.Millisecond))
	expectAsBefore(t, dir, before)

	part("what was killed is cleaned up by down alone", func(t *testing.T) {
		in = up(t, dir)
		for _, p := range in.Processes {
			kill(t, p.PID, syscall.SIGKILL)
		}
		awaitGone(t, dir)
		down(t, dir)
		expectAsBefore(t, dir, before)
	})
}

func expectAsBefore(t *testing.T, dir string, before machine) {
	t.Helper()
	if left := observe(t, dir).minus(before); len(left) > 0 {
		t.Errorf("left on the machine:\n%s", strings.Join(left, "\n"))
	}
}
