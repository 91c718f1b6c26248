package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// child is a process that is kept running until its context ends.
type child struct {
	name string
	args []string
	env  []string
	log  string // file that gets its stdout and stderr

	mu      sync.Mutex
	process *os.Process
	started func() // told after every start

	// settled says that the process has done its work once. Until then it is broken when it ends
	// for the third time, and there is no use in starting it over and over.
	settled atomic.Bool
}

// attempts is how often a process that is not settled is started.
const attempts = 3

// restartPause keeps a process that dies at once from being started over and over.
const restartPause = 500 * time.Millisecond

// stopGrace is how long a process may take to end after SIGTERM.
const stopGrace = 15 * time.Second

// PID is the process running now, or 0.
func (c *child) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return 0
	}
	return c.process.Pid
}

// run keeps the process running until ctx ends, then ends it. It returns an error when the process
// does not get to its work.
func (c *child) run(ctx context.Context, say func(format string, args ...any)) error {
	// Where the system ends a process with its parent, the parent is the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for attempt := 1; ; attempt++ {
		begun := time.Now()
		err := c.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if attempt >= attempts && !c.settled.Load() {
			return fmt.Errorf("starting the %s: it ended %d times (%w): %s; log: %s", c.name, attempt, err, lastLine(c.log), c.log)
		}
		say("%s ended (%v); starting it again", c.name, err)
		if time.Since(begun) < restartPause {
			select {
			case <-time.After(restartPause):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// lastLine is the last line of a log, which says why its process ended.
func lastLine(path string) string {
	const most = 4096
	f, err := os.Open(path)
	if err != nil {
		return "nothing is logged"
	}
	defer f.Close()
	if at, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, at-most), io.SeekStart)
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if err != nil || lines[len(lines)-1] == "" {
		return "nothing is logged"
	}
	return lines[len(lines)-1]
}

// once runs the process to its end.
func (c *child) once(ctx context.Context) error {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", c.name, err)
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), c.env...)
	// A group of its own, so that a Ctrl-C in the terminal reaches this process alone, which then
	// ends the others in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	c.set(cmd.Process)
	if c.started != nil {
		c.started()
	}
	err = cmd.Wait()
	c.set(nil)
	return err
}

func (c *child) set(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = p
}

// devcluster finds the cluster's binary: beside this one, else on the path.
func devcluster(self string) (string, error) {
	const name = "fairlead-devcluster"
	beside := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", errors.New("finding fairlead-devcluster: it is neither beside fairlead nor on the PATH; build it with: make build")
	}
	return found, nil
}
