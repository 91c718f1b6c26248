package local

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLockTellsItsHolder(t *testing.T) {
	dir := t.TempDir()
	if _, held, err := holder(dir); held || err != nil {
		t.Fatalf("a folder nobody has is held: %t, %v", held, err)
	}
	file, err := lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if pid, held, err := holder(dir); pid != os.Getpid() || !held || err != nil {
		t.Errorf("holder = %d, %t, %v", pid, held, err)
	}
	if _, err := lock(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "another fairlead up runs there") {
		t.Errorf("a second lock: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	// The state of one that was killed is no state.
	if err := (Info{Ready: true}).write(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(dir); !errors.Is(err, ErrNotRunning) || got.Ready {
		t.Errorf("read %+v, %v", got, err)
	}
	if err := Stop(t.Context(), dir, "/nowhere/fairlead"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("stopping what does not run: %v", err)
	}
}

func TestPortsStayTheSame(t *testing.T) {
	dir := t.TempDir()
	first, err := choosePorts(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := choosePorts(t.Context(), dir, Options{})
	if err != nil || second != first {
		t.Errorf("ports %+v, then %+v (%v)", first, second, err)
	}
	if _, err := choosePorts(t.Context(), t.TempDir(), Options{GitPort: first.Git, RegistryPort: first.Git}); err == nil {
		t.Error("one port is taken twice")
	}
	busy, err := net.Listen("tcp", loopback(first.Git))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := choosePorts(ctx, dir, Options{}); err == nil || !strings.Contains(err.Error(), "--git-port") {
		t.Errorf("a busy port: %v", err)
	}
}

func TestChildThatCannotStart(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	c := &child{name: "cluster", log: log, args: []string{"/bin/sh", "-c", "echo no room for it >&2; exit 1"}}
	err := c.run(t.Context(), func(string, ...any) {})
	if err == nil || !strings.Contains(err.Error(), "no room for it") || !strings.Contains(err.Error(), log) {
		t.Errorf("got %v", err)
	}
}
