package containerdnode

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of the kubelet's client
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric
	proxyapp "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
)

// childCommand is the hidden first argument of this binary when it runs a part of the node:
//
//	node-child CGROUP-FILES kubelet|kube-proxy|exec ARGUMENTS...
//
// kubelet and kube-proxy keep their state in globals of their packages, and the kubelet
// ends its process when something goes wrong; so each has a process of its own.
const childCommand = "node-child"

// restartPause is how long a part of the node that ended by itself stays down.
const restartPause = time.Second

// Child runs a part of the node if args, without the program's name, ask for it. The
// binary that holds this package calls it first thing in main.
func Child(args []string) (code int, handled bool) {
	if len(args) < 3 || args[0] != childCommand {
		return 0, false
	}
	if err := joinCgroups(args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "joining cgroup: %v\n", err)
		return 1, true
	}
	switch args[2] {
	case "kubelet":
		command := kubeletapp.NewKubeletCommand(context.Background())
		command.SetArgs(args[3:])
		return cli.Run(command), true
	case "kube-proxy":
		command := proxyapp.NewProxyCommand()
		command.SetArgs(args[3:])
		return cli.Run(command), true
	case "exec":
		err := syscall.Exec(args[3], args[3:], os.Environ())
		fmt.Fprintf(os.Stderr, "running %s: %v\n", args[3], err)
		return 1, true
	}
	fmt.Fprintf(os.Stderr, "unknown part of the node %q\n", args[2])
	return 2, true
}

// joinCgroups moves this process before it does anything, so that nothing it starts can
// be outside.
func joinCgroups(files string) error {
	for f := range strings.SplitSeq(files, ",") {
		if f == "" {
			continue
		}
		if err := os.WriteFile(f, []byte("0"), 0); err != nil {
			return err
		}
	}
	return nil
}

// child is one running part of the node. It is started again when it ends by itself.
type child struct {
	name    string
	args    []string
	env     []string
	logFile string
	say     io.Writer

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	stop  context.CancelFunc
}

// startChild starts this binary again as a part of the node. What it logs goes to logFile.
func startChild(name, logFile string, say io.Writer, procs []string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this binary: %w", err)
	}
	c := &child{
		name: name, logFile: logFile, say: say, ended: make(chan struct{}),
		args: append([]string{self, childCommand, strings.Join(procs, ",")}, args...),
		env:  childEnv(),
	}
	if err := os.Rename(logFile, logFile+".1"); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("keeping the last log: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	first := make(chan error, 1)
	go c.keep(ctx, first)
	return c, <-first
}

// childEnv is the environment of the parts: nothing of the caller's but where to find
// programs, so that proxies and credentials of a shell do not end up in pods' downloads.
func childEnv() []string {
	return []string{"PATH=" + searchPath(), "HOME=/root", "LANG=C.UTF-8"}
}

// keep runs the child until it is stopped. It stays on one thread of the system: the
// signal that ends the child when this process dies is sent when that thread ends.
func (c *child) keep(ctx context.Context, first chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.ended)
	for ctx.Err() == nil {
		err := c.runOnce(first)
		first = nil
		if ctx.Err() != nil {
			return
		}
		fmt.Fprintf(c.say, "%s ended (%v), starting it again; its last words: %s\n", c.name, err, lastLine(c.logFile))
		select {
		case <-ctx.Done():
			return
		case <-time.After(restartPause):
		}
	}
}

func (c *child) runOnce(first chan<- error) error {
	log, err := os.OpenFile(c.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		cmd := exec.Command(c.args[0], c.args[1:]...)
		cmd.Env, cmd.Stdout, cmd.Stderr = c.env, log, log
		// A group of its own: Ctrl-C in the terminal is for the owner, who ends us in order.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		err = cmd.Start()
		c.mu.Lock()
		c.cmd = cmd
		c.mu.Unlock()
		defer log.Close()
		if err == nil {
			if first != nil {
				first <- nil
			}
			return cmd.Wait()
		}
	}
	err = fmt.Errorf("starting %s: %w", c.name, err)
	if first != nil {
		c.stop()
		first <- err
	}
	return err
}

// end stops the child: politely, and after the patience given, for good.
func (c *child) end(patience time.Duration) {
	if c == nil {
		return
	}
	c.stop()
	c.signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.ended:
		return
	case <-timer.C:
	}
	c.signal(syscall.SIGKILL)
	<-c.ended
}

func (c *child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(s)
	}
}

// lastLine returns the last line of a log, for a message; the log has the rest.
func lastLine(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return "none"
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 8192 {
		_, _ = f.Seek(-8192, io.SeekEnd)
	}
	last := "none"
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text := strings.TrimSpace(lines.Text()); text != "" {
			last = text
		}
	}
	return last
}
