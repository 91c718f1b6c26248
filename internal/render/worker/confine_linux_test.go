package worker

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const probeVariable = "FAIRLEAD_TEST_PROBE"

// probe is what a confined process could do.
type probe struct {
	Enforced, Missing                     []string
	Connected, ReadOther, ReadRoot, Wrote bool
	Environment                           []string
}

// runProbe confines this process as a worker is, and tries what it must not be able to do.
func runProbe(root, other, address string) probe {
	var p probe
	p.Environment = os.Environ()
	p.Enforced, p.Missing = confine(hello{Roots: []string{root}, Memory: 64 << 20})
	if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		p.Connected = true
		c.Close()
	}
	_, err := os.ReadFile(other)
	p.ReadOther = err == nil
	_, err = os.ReadFile(filepath.Join(root, "file"))
	p.ReadRoot = err == nil
	p.Wrote = os.WriteFile(filepath.Join(root, "new"), []byte("x"), 0o600) == nil
	return p
}

func TestConfinement(t *testing.T) {
	if args := os.Getenv(probeVariable); args != "" {
		return // TestMain took care of it
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	root, other := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	for _, file := range []string{filepath.Join(root, "file"), other} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args, err := json.Marshal([]string{root, other, l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, isolate := range isolations() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{probeVariable + "=" + string(args)}
		isolate(cmd)
		if text, err = cmd.Output(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var got probe
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	t.Logf("enforced: %q, missing: %q", got.Enforced, got.Missing)
	is := func(what string) bool {
		for _, e := range got.Enforced {
			if e == what {
				return true
			}
		}
		return false
	}
	if is("network") && got.Connected {
		t.Error("it reached the network")
	}
	if is("files") && (got.ReadOther || !got.ReadRoot || got.Wrote) {
		t.Errorf("files: %+v", got)
	}
	if is("resources") && got.Wrote {
		t.Error("it wrote a file")
	}
}

func printProbe(args string) {
	var a []string
	if err := json.Unmarshal([]byte(args), &a); err != nil || len(a) != 3 {
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(runProbe(a[0], a[1], a[2])); err != nil {
		os.Exit(2)
	}
}
