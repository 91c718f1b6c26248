package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a command of a peer that runs.
type process struct {
	name string
	keep bool
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	// killed says that it was not its own doing.
	killed *atomic.Bool
}

// ProcessName is what the description calls a process: some change their command lines.
func (p *peer) ProcessName(pid int) string {
	for i := range p.processes {
		if r := &p.processes[i]; r.cmd.Process.Pid == pid {
			return r.name
		}
	}
	return ""
}

// Restart starts those of its processes that do not run, and returns at once.
func (p *peer) Restart(context.Context) error {
	running := map[string]bool{}
	for _, r := range p.processes {
		running[r.name] = true
	}
	for i := range p.Commands {
		c := &p.Commands[i]
		if running[c.Name] {
			continue
		}
		if err := p.start(c); err != nil {
			return fmt.Errorf("starting %s: %w", c.Name, err)
		}
	}
	return nil
}

// start starts one of its processes. What it prints is appended to a file of its name.
func (p *peer) start(c *command) error {
	args, err := p.fillAll(c.Args)
	if err != nil {
		return err
	}
	env, err := p.fillAll(c.Env)
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = p.facts.Dir
	cmd.Env = append(append(os.Environ(), "KUBECONFIG="+p.facts.Kubeconfig), env...)
	log, err := os.OpenFile(p.logFile(c.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := process{name: c.Name, keep: c.Keep, cmd: cmd, done: make(chan struct{}), killed: &atomic.Bool{}}
	go func() {
		_ = cmd.Wait()
		close(r.done)
		if !r.killed.Load() {
			p.fail(p.lastWords(&r))
		}
	}()
	p.processes = append(p.processes, r)
	return nil
}

// logFile is where a process's words go: they are lost with the work folder, or stay where -logs says.
func (p *peer) logFile(name string) string {
	if p.w.logs == "" {
		return filepath.Join(p.facts.Dir, name+".log")
	}
	return filepath.Join(p.w.logs, fmt.Sprintf("%s-%d-%s.log", strings.ReplaceAll(p.Title, " ", "-"), p.w.fleet.n, name))
}

// Kill ends its processes as a power cut would, but for those that a restart leaves running.
func (p *peer) Kill() { p.end(false) }

func (p *peer) end(all bool) {
	var kept []process
	for _, r := range p.processes {
		if r.keep && !all {
			kept = append(kept, r)
			continue
		}
		r.killed.Store(true)
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.done
	}
	p.processes = kept
}

// Processes are those that were started; their children count as well.
func (p *peer) Processes() []int {
	var pids []int
	for _, r := range p.processes {
		pids = append(pids, r.cmd.Process.Pid)
	}
	return pids
}

// Kept are those of them that a restart leaves running.
func (p *peer) Kept() []int {
	var pids []int
	for _, r := range p.processes {
		if r.keep {
			pids = append(pids, r.cmd.Process.Pid)
		}
	}
	return pids
}

// awaitReady waits until it would notice a request, or one of its processes has ended.
func (p *peer) awaitReady(ctx context.Context) error {
	probes := []string{p.Probe}
	for i := range p.Commands {
		probes = append(probes, p.Commands[i].Ready)
	}
	probes, err := p.fillAll(probes)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, url := range probes {
		if url == "" {
			continue
		}
		if err := p.awaitPage(ctx, url); err != nil {
			return fmt.Errorf("waiting for %s to be ready: %w", p.Title, err)
		}
	}
	return p.ended()
}

// ended says which of its processes has ended by itself.
func (p *peer) ended() error {
	for i := range p.processes {
		select {
		case <-p.processes[i].done:
			return p.lastWords(&p.processes[i])
		default:
		}
	}
	return nil
}

// lastWords is how a process ended, and the last it had to say.
func (p *peer) lastWords(r *process) error {
	words, err := os.ReadFile(p.logFile(r.name))
	if err != nil {
		words = []byte(err.Error())
	}
	lines := strings.Split(strings.TrimSpace(string(words)), "\n")
	return fmt.Errorf("%s has ended (%s): %s", r.name, r.cmd.ProcessState, lines[len(lines)-1])
}

// OnEnd has fail called when one of its processes ends by itself, or has ended; nil ends that.
func (p *peer) OnEnd(fail func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onEnd = fail
	if err := p.ended(); err != nil && fail != nil {
		fail(err)
	}
}

func (p *peer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.onEnd != nil {
		p.onEnd(err)
	}
}

// startPatience is how long a subject may take to begin.
const startPatience = 2 * time.Minute

// awaitPage waits until a page of its own answers 200.
func (p *peer) awaitPage(ctx context.Context, url string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := get(ctx, url)
		if err == nil {
			return nil
		}
		if ended := p.ended(); ended != nil {
			return ended
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}
