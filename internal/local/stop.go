package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Stop ends an installation, also one that is still starting or was killed in part, and returns
// when all of its processes have ended and nothing of it is left on the machine but its folder.
// self is this program, beside which the cluster's is.
func Stop(ctx context.Context, dir, self string) error {
	stopped, err := end(ctx, dir)
	if err != nil {
		return err
	}
	// The cluster ends with its supervisor, and before it; unless that was killed.
	cluster := filepath.Join(dir, "cluster")
	if _, err := end(ctx, cluster); err != nil {
		return err
	}
	if err := cleanUp(ctx, cluster, self); err != nil {
		return err
	}
	if !stopped {
		return ErrNotRunning
	}
	return nil
}

// end ends the process that has a folder and waits until it has given it back. It reports whether
// there was one.
func end(ctx context.Context, dir string) (bool, error) {
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	told := 0
	for {
		pid, held, err := holder(dir)
		switch {
		case err != nil:
			return false, err
		case !held, told != 0 && pid != 0 && pid != told:
			return told != 0, nil // ended, perhaps with another that has begun since
		case told == 0 && pid > 1:
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return false, fmt.Errorf("stopping process %d: %w", pid, err)
			}
			told = pid
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, fmt.Errorf("stopping the local installation: process %d still runs: %w", pid, ctx.Err())
		}
	}
}

// cleanUp removes what a node that was killed left on the machine.
func cleanUp(ctx context.Context, cluster, self string) error {
	if _, err := os.Stat(filepath.Join(cluster, "node")); errors.Is(err, fs.ErrNotExist) {
		return nil // nothing has ever run there
	}
	bin, err := devcluster(self)
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, bin, "--dir", cluster, "--cleanup").CombinedOutput()
	if err != nil {
		return fmt.Errorf("cleaning up after the cluster: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
