package rights

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var (
	cluster testkit.SharedCluster
	tempDir string // of this run of the tests
	program string // the fairlead binary
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if tempDir, err = os.MkdirTemp("", "fairlead-rights-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tempDir)
	program = filepath.Join(tempDir, "fairlead")
	cmd := exec.Command("go", "build", "-o", program, "github.com/fairlead-cd/fairlead/cmd/fairlead")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") // as the Makefile builds it
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building fairlead: %v\n%s", err, out)
		return 1
	}
	return cluster.Main(m)
}
