// Package clitest helps the tests of commands: streams that are kept, and golden files that
// "go test -update" writes.
package clitest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Golden compares text with testdata/name.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update writes it:\n%s", path, diff)
	}
}

// Now is the time at which tests print.
var Now = time.Date(2026, 1, 2, 3, 14, 5, 0, time.UTC)

// Kept are the streams of a command under test, ending in buffers.
type Kept struct {
	Streams  *output.Streams
	Out, Err bytes.Buffer
}

// Keep makes streams that are no terminals.
func Keep() *Kept {
	k := &Kept{}
	k.Streams = output.NewBuffers(&k.Out, &k.Err, output.Env{})
	return k
}

// Factory is a factory without a cluster.
func (k *Kept) Factory() *cli.Factory {
	return &cli.Factory{IO: k.Streams, Now: func() time.Time { return Now }}
}
