package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fairlead-cd/fairlead/devcluster/internal/containerdnode"
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

// Cleanup removes what a cluster in dir left on the machine when it was killed: containers,
// mounts, interfaces. Its data stays for the next start. It refuses while a cluster runs there.
func Cleanup(dir string, log io.Writer) error {
	if dir == "" {
		return errors.New("cleaning up: no directory is given")
	}
	d := directory(dir)
	if _, err := os.Stat(d.path("node")); errors.Is(err, os.ErrNotExist) {
		return nil // there was never a node
	}
	lock, err := d.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	// Only a containerd node makes anything outside its process.
	owner, err := containerdnode.Owner()
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(d.path("node")); err != nil || owner != real {
		return err
	}
	if err := newContainerdNode(node.Config{Dir: owner, Log: log}).Cleanup(); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}
