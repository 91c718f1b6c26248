package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// config holds for every command, whatever the machine's configuration says.
var config = [][2]string{
	{"core.hooksPath", "/dev/null"},
	{"core.fsmonitor", "false"},
	{"core.askPass", ""},
	{"credential.helper", ""},
	{"gc.auto", "0"},
	{"maintenance.auto", "false"},
	{"fetch.recurseSubmodules", "false"},
	{"fetch.writeCommitGraph", "false"},
	{"protocol.version", "2"},
	{"http.followRedirects", "initial"},
	{"http.lowSpeedLimit", "1000"},
	{"http.lowSpeedTime", "20"},
	{"advice.detachedHead", "false"},
	{"init.defaultBranch", "main"},
	{"safe.directory", "*"},
}

// command is one run of the binary.
type command struct {
	dir      string
	args     []string
	stdin    io.Reader
	env      []string    // added to the base environment
	config   [][2]string // added to the base configuration
	protocol string      // the only one allowed; empty allows none
	limit    int64       // largest file it and its helpers may write; 0 is no limit; takes stdin
}

const (
	maxOutput = 64 << 20 // an ls-remote of half a million refs
	maxStderr = 16 << 10
)

func (g *Git) cmd(ctx context.Context, c command) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.opts.Bin, c.args...)
	cmd.Dir = c.dir
	cmd.Stdin = c.stdin
	allow := c.protocol
	if allow == "" {
		allow = "none"
	}
	cmd.Env = append([]string{
		"PATH=" + g.path, "HOME=" + g.opts.TempDir, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_OPTIONAL_LOCKS=0",
		"GIT_PROTOCOL_FROM_USER=0", "GIT_ALLOW_PROTOCOL=" + allow,
	}, g.opts.Env...)
	cmd.Env = append(cmd.Env, c.env...)
	all := append(append([][2]string{}, config...), c.config...)
	for i, kv := range all {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(all)))
	// A group of its own: git's transport helpers have to go with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Asked first: git then removes its lock files. run kills what does not listen.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// failure is what a command that did not succeed left behind.
type failure struct {
	stderr string // scrubbed
	err    error
}

func (f *failure) Error() string {
	if line := lastLine(f.stderr); line != "" {
		return line
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// run gives the command's standard output, or a *failure.
func (g *Git) run(ctx context.Context, c command) ([]byte, error) {
	cmd := g.cmd(ctx, c)
	stdout := &bounded{max: maxOutput}
	stderr := &bounded{max: maxStderr, keepTail: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	var limited chan struct{}
	if c.limit > 0 {
		limited = make(chan struct{})
		cmd.Stdin = gated{Reader: c.stdin, open: limited}
	}
	err := cmd.Start()
	if err == nil {
		if c.limit > 0 {
			limitFileSize(cmd.Process.Pid, c.limit)
			close(limited)
		}
		err = cmd.Wait()
	}
	if stdout.over {
		err = fmt.Errorf("git %s wrote more than %d bytes", c.args[0], maxOutput)
	}
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = ctxErr
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	return nil, &failure{stderr: scrub(stderr.String()), err: err}
}

// gated gives nothing before it is opened. A limit can only be set on what already runs; git waits
// for its input before it fetches.
type gated struct {
	io.Reader
	open <-chan struct{}
}

func (g gated) Read(p []byte) (int, error) {
	<-g.open
	return g.Reader.Read(p)
}

// bounded keeps the first max bytes written, or the last, and notes that there were more.
type bounded struct {
	bytes.Buffer
	max      int
	keepTail bool
	over     bool
}

var errTooMuch = errors.New("too much output")

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) <= b.max {
		return b.Buffer.Write(p)
	}
	b.over = true
	if !b.keepTail {
		return 0, errTooMuch
	}
	b.Buffer.Write(p)
	b.Next(b.Len() - b.max)
	return len(p), nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimSpace(lines[i]); l != "" {
			return l
		}
	}
	return ""
}
