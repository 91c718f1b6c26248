package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// controller is the process of "fairlead controller".
type controller struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  *journal
}

// journal keeps all that a controller says; several controllers can write to one.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// mark is a place in the journal, for since.
func (j *journal) mark() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Len()
}

// since are the lines written after a mark.
func (j *journal) since(mark int) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSpace(j.buf.String()[mark:]), "\n")
}

// runs are the runs that were started after a mark: "upgrade HelmRelease/dev/web".
func (j *journal) runs(mark int) []string {
	var runs []string
	for _, line := range j.since(mark) {
		for _, verb := range []string{"upgrade", "repair", "rollback", "uninstall"} {
			if _, rest, ok := strings.Cut(line, " msg="+verb+" release="); ok {
				id, _, _ := strings.Cut(rest, " ")
				runs = append(runs, verb+" "+id)
			}
		}
	}
	return runs
}

// startController starts the program and returns at once.
func startController(kubeconfig, config string, log *journal) (*controller, error) {
	c := &controller{done: make(chan struct{}), log: log}
	c.cmd = exec.Command(program, "controller", "--kubeconfig", kubeconfig, "--config", config)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+tempDir, "XDG_CACHE_HOME="+tempDir)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the controller: %w", err)
	}
	go func() { _ = c.cmd.Wait(); close(c.done) }()
	return c, nil
}

// kill ends the controller as a power cut would.
func (c *controller) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// stop ends the controller as a rollout of it would.
func (c *controller) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.kill()
	}
}

// awaitReady waits until the controller can be believed.
func (w *world) awaitReady(t *testing.T) {
	t.Helper()
	within(t, patient, "the controller is ready", func() error {
		resp, err := http.Get("http://" + w.listen + "/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz answers %s", resp.Status)
		}
		return nil
	})
}
