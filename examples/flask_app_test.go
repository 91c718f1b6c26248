package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestFlaskApp runs the reference application's own tests with a Python that has Flask: Debian's,
// or the one on the path.
func TestFlaskApp(t *testing.T) {
	dir := t.TempDir() // of what the binary carries, which has to be complete
	if err := os.CopyFS(dir, FlaskApp); err != nil {
		t.Fatal(err)
	}
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import flask").Run() != nil {
			continue
		}
		cmd := exec.Command(python, "-B", "-W", "ignore", "-m", "unittest")
		cmd.Dir = filepath.Join(dir, "flask-app")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Python with Flask, though this is CI (see the packages in .ci/run)")
	}
	t.Skip("needs Flask: apt-get install python3-flask")
}
