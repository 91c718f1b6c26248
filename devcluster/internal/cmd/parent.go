package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// parentPeriod is how often a process that is not a child is looked at; the system does
// not tell of its end.
const parentPeriod = 300 * time.Millisecond

// waitProcess returns when the process has ended, or ctx ends.
func waitProcess(ctx context.Context, pid int) {
	ticker := time.NewTicker(parentPeriod)
	defer ticker.Stop()
	for alive(pid) {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	// A process whose parent has not taken note of its end still has a number.
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, found := bytes.Cut(stat, []byte(") "))
	return !found || len(after) == 0 || after[0] != 'Z'
}
