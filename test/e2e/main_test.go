package e2e

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
	if tempDir, err = os.MkdirTemp("", "fairlead-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tempDir)
	program = filepath.Join(tempDir, "fairlead")
	if err := build(program, "github.com/fairlead-cd/fairlead/cmd/fairlead"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cluster.Options = testkit.ClusterOptions{AuditLog: filepath.Join(tempDir, "audit.log"), Dir: filepath.Join(tempDir, "cluster")}
	defer stopWorld()
	return cluster.Main(stopFirst{m})
}

// stopFirst ends the controller before the cluster it talks to.
type stopFirst struct{ m *testing.M }

func (s stopFirst) Run() int {
	defer stopWorld()
	return s.m.Run()
}

// build compiles a command of this module or of one it depends on.
func build(to, pkg string) error {
	cmd := exec.Command("go", "build", "-o", to, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}
