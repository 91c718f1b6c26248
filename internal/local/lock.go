package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lookPeriod is how often to look again at what the system does not tell of.
const lookPeriod = 50 * time.Millisecond

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

// lock takes the folder for this process until the file is closed, or the process ends. The file
// says which process it is.
func lock(ctx context.Context, dir string) (*os.File, error) {
	// Whoever looks whether the lock is held holds it for a moment.
	patience, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	f, err := flock(patience, lockPath(dir))
	if errors.Is(err, errHeld) && ctx.Err() == nil {
		return nil, fmt.Errorf("locking %s: another fairlead up runs there; see: fairlead info", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return f, nil
}

// errHeld says that a lock is held by another process.
var errHeld = errors.New("another process has it")

// flock locks a file, waiting for it until ctx ends.
func flock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("%w: %w", errHeld, ctx.Err())
		}
	}
}

// holder reports whether a process has the folder, and which; 0 while it has not said so yet.
func holder(dir string) (pid int, held bool, err error) {
	f, err := os.Open(lockPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("looking at %s: %w", dir, err)
	}
	defer f.Close()
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case err == nil:
		return 0, false, nil
	case !errors.Is(err, syscall.EWOULDBLOCK):
		return 0, false, fmt.Errorf("looking at %s: %w", dir, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0, false, fmt.Errorf("looking at %s: %w", dir, err)
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
	return pid, true, nil
}
