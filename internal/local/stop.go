package local

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Stop ends a running installation and returns when all of its processes have ended.
func Stop(ctx context.Context, dir string) error {
	info, err := Read(dir)
	if err != nil {
		return err
	}
	if len(info.Processes) == 0 {
		return fmt.Errorf("stopping the local installation: it does not say which process it is; end `fairlead up` by hand")
	}
	supervisor := info.Processes[0].PID
	if err := syscall.Kill(supervisor, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping process %d: %w", supervisor, err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		held, err := lockHeld(dir)
		if err != nil || !held {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("stopping the local installation: process %d still runs: %w", supervisor, ctx.Err())
		}
	}
}
