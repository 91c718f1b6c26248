package local

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Stop ends an installation, also one that is still starting, and returns when all of its
// processes have ended.
func Stop(ctx context.Context, dir string) error {
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	told := 0
	for {
		pid, held, err := holder(dir)
		switch {
		case err != nil:
			return err
		case !held && told == 0:
			return ErrNotRunning
		case !held, told != 0 && pid != 0 && pid != told:
			return nil // ended, perhaps with another that has begun since
		case told == 0 && pid > 1:
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stopping process %d: %w", pid, err)
			}
			told = pid
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("stopping the local installation: process %d still runs: %w", pid, ctx.Err())
		}
	}
}
