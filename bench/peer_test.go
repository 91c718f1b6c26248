package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// testPeer is a peer of processes that do nothing.
func testPeer(t *testing.T, commands ...command) *peer {
	t.Helper()
	p := &peer{
		Title: "test", Commands: commands, w: &world{fleet: &fleet{}},
		facts: facts{Dir: t.TempDir(), Listen: "127.0.0.1:1", ports: map[string]string{}},
	}
	t.Cleanup(func() { p.end(true) })
	return p
}

func TestPort(t *testing.T) {
	p := testPeer(t)
	seen := map[string]bool{}
	for _, name := range []string{"redis", "repo", "metrics"} {
		first, err := p.fill(`127.0.0.1:{{.Port "` + name + `"}}`)
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.fill(`127.0.0.1:{{.Port "` + name + `"}}`)
		if err != nil {
			t.Fatal(err)
		}
		if first != again {
			t.Errorf("%s is at %s, then at %s", name, first, again)
		}
		if seen[first] {
			t.Errorf("%s is given out twice", first)
		}
		seen[first] = true
	}
}

// A restart leaves running what the description says, and starts the rest anew.
func TestRestartKeeps(t *testing.T) {
	p := testPeer(t, command{Name: "store", Args: []string{"sleep", "600"}, Keep: true}, command{Name: "controller", Args: []string{"sleep", "600"}})
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := p.Processes()
	p.Kill()
	if kept := p.Kept(); len(kept) != 1 || kept[0] != before[0] || len(p.Processes()) != 1 {
		t.Fatalf("of %v the processes %v run after the kill, and %v are said to be kept", before, p.Processes(), kept)
	}
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := p.Processes(); len(after) != 2 || after[0] != before[0] || after[1] == before[1] {
		t.Errorf("processes %v, then %v", before, after)
	}
	p.end(true)
	if left := p.Processes(); len(left) != 0 {
		t.Errorf("%v still run at the end", left)
	}
}

// A process that ends is told of with its last words, and is not waited for.
func TestEnded(t *testing.T) {
	p := testPeer(t, command{Name: "controller", Args: []string{"sh", "-c", "echo usage; echo no such flag >&2; exit 3"}, Ready: "http://127.0.0.1:1/"})
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := p.awaitReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "controller has ended (exit status 3): no such flag") {
		t.Errorf("the error is %v", err)
	}
}

// Who waits for a peer is told when it ends by itself, and not when it is killed.
func TestOnEnd(t *testing.T) {
	p := testPeer(t, command{Name: "dies", Args: []string{"sh", "-c", "echo out of memory; exit 137"}}, command{Name: "stays", Args: []string{"sleep", "600"}})
	told := make(chan error, 2)
	p.OnEnd(func(err error) { told <- err })
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !strings.Contains(err.Error(), "dies has ended (exit status 137): out of memory") {
		t.Errorf("the error is %v", err)
	}
	p.end(true)
	select {
	case err := <-told:
		t.Errorf("the end of what was killed is told: %v", err)
	default:
	}
}

func TestIsManifest(t *testing.T) {
	for file, want := range map[string]bool{"crds/a.yaml": true, "b.yml": true, "crds/kustomization.yaml": false, "README.md": false} {
		if got := isManifest(file); got != want {
			t.Errorf("isManifest(%q) is %t", file, got)
		}
	}
}

// What a peer logs stays where it is asked to, under a name that says whose it is.
func TestLogFile(t *testing.T) {
	p := testPeer(t, command{Name: "controller", Args: []string{"true"}})
	p.Title, p.w.logs, p.w.fleet.n = "Some Peer", t.TempDir(), 20
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(p.w.logs, "Some-Peer-20-controller.log")); err != nil {
		t.Error(err)
	}
}

// Argo CD is asked as its manual advises for many applications in one repository.
func TestArgoApplication(t *testing.T) {
	u := argoApplication(&fleet{url: "http://git/fleet.git"}, 7)
	if got := u.GetAnnotations()["argocd.argoproj.io/manifest-generate-paths"]; got != ".;/values/b00007.yaml" {
		t.Errorf("the paths that matter are %q", got)
	}
	if got, _, _ := unstructured.NestedString(u.Object, "spec", "source", "targetRevision"); got != "refs/heads/main" {
		t.Errorf("the revision is %q", got)
	}
}
