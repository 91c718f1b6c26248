package testkit

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ClusterOptions configure a development cluster.
type ClusterOptions struct {
	Bin      string // the fairlead-devcluster binary; default is bin/ in the module's root
	Dir      string // what the cluster keeps; default is a temporary folder, removed at the end
	Node     string // "none", "simulated" (default) or "containerd"
	AuditLog string // file that gets one JSON line for each request
	Args     []string
	Log      io.Writer     // what the cluster says; default discards, but an error quotes the end of it
	Timeout  time.Duration // until it is ready; default 2 m
}

// Cluster is a running development cluster.
type Cluster struct {
	Kubeconfig string `json:"kubeconfig"` // path
	Server     string `json:"server"`
	Version    string `json:"version"` // "v1.36.3"
	Node       string `json:"node"`

	cmd    *exec.Cmd
	done   chan struct{}
	dir    string // to remove; may be empty
	stopFn sync.Once
}

// StartCluster starts the development cluster and waits until it is ready. It ends with this
// process, or with Stop.
func StartCluster(ctx context.Context, opts ClusterOptions) (*Cluster, error) {
	bin, err := clusterBinary(opts.Bin)
	if err != nil {
		return nil, err
	}
	if opts.Node == "" {
		opts.Node = "simulated"
	}
	if opts.Timeout == 0 {
		opts.Timeout = 2 * time.Minute
	}
	c := &Cluster{done: make(chan struct{})}
	if opts.Dir == "" {
		if opts.Dir, err = os.MkdirTemp("", "fairlead-cluster-"); err != nil {
			return nil, fmt.Errorf("making the cluster's folder: %w", err)
		}
		c.dir = opts.Dir
	}
	args := []string{"--dir", opts.Dir, "--node", opts.Node, "--parent-pid", strconv.Itoa(os.Getpid())}
	if opts.AuditLog != "" {
		args = append(args, "--audit-log", opts.AuditLog)
	}
	c.cmd = exec.Command(bin, append(args, opts.Args...)...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := &tail{max: 4096, also: opts.Log}
	c.cmd.Stderr = said
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the cluster: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		c.removeDir()
		return nil, fmt.Errorf("starting the cluster: %w", err)
	}
	ready := make(chan error, 1)
	go c.wait(out, ready)
	timeout := time.NewTimer(opts.Timeout)
	defer timeout.Stop()
	select {
	case err = <-ready:
	case <-timeout.C:
		err = fmt.Errorf("it was not ready after %s", opts.Timeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		c.Stop()
		return nil, fmt.Errorf("starting the cluster: %w\n%s", err, said)
	}
	return c, nil
}

// wait reads the line that says the cluster is ready, and then waits for its end.
func (c *Cluster) wait(out io.Reader, ready chan<- error) {
	defer close(c.done)
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), c)
	} else {
		err = fmt.Errorf("it ended before it was ready")
	}
	ready <- err
	_, _ = io.Copy(io.Discard, lines)
	_ = c.cmd.Wait()
}

// PID is the cluster's process; all of the control plane is in it.
func (c *Cluster) PID() int { return c.cmd.Process.Pid }

// Stop ends the cluster and waits until it is gone.
func (c *Cluster) Stop() {
	c.stopFn.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.done:
		case <-time.After(30 * time.Second):
			_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
			<-c.done
		}
		c.removeDir()
	})
}

func (c *Cluster) removeDir() {
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// Done is closed when the cluster has ended, asked or not.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// clusterBinary finds the binary that "make build" puts into the root of the module.
func clusterBinary(bin string) (string, error) {
	if bin == "" {
		root, err := ModuleRoot()
		if err != nil {
			return "", err
		}
		bin = filepath.Join(root, "bin", "fairlead-devcluster")
	}
	if _, err := os.Stat(bin); err != nil {
		return "", fmt.Errorf("finding the development cluster: %w: run \"make build\"", err)
	}
	return bin, nil
}

// ModuleRoot is the folder of the go.mod that the working directory belongs to.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module's root: %w", err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("finding the module's root: there is no go.mod above %s", dir)
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	buf  []byte
	max  int
	also io.Writer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > t.max {
		t.buf = t.buf[len(t.buf)-t.max:]
	}
	if t.also != nil {
		_, _ = t.also.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.buf))
}
