package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// process is one worker and the pipes to it. It serves one job at a time.
type process struct {
	cmd     *exec.Cmd
	send    *sender
	receive *receiver
	stdin   io.Closer
	stderr  *tail
	ready   ready
	limits  Limits
	base    int64 // bytes it takes before its first job

	gone     chan struct{} // closed when the process has ended
	killOnce sync.Once
	why      error // set before the process is killed, by kill
}

// startTimeout bounds how long a worker takes to answer its greeting.
const startTimeout = 20 * time.Second

// start runs a worker and greets it.
func start(ctx context.Context, o Options) (*process, error) {
	var err error
	for _, attempt := range isolations() {
		var p *process
		if p, err = startAs(ctx, o, attempt); err == nil {
			return p, nil
		}
		if !errors.Is(err, errStart) {
			return nil, err
		}
	}
	return nil, err
}

var errStart = errors.New("starting render worker")

func startAs(ctx context.Context, o Options, isolate func(*exec.Cmd)) (*process, error) {
	cmd := exec.Command(o.Command[0], o.Command[1:]...)
	// Nothing of this process's environment is a template's business. UTC makes dates in templates
	// the same everywhere; a trace of a crash could quote values.
	cmd.Env = []string{"TZ=UTC", "GOTRACEBACK=none"}
	cmd.Env = append(cmd.Env, o.Env...)
	p := &process{cmd: cmd, stderr: &tail{}, limits: o.Limits, gone: make(chan struct{})}
	cmd.Stderr = p.stderr
	cmd.Dir = string(os.PathSeparator)
	isolate(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", errStart, err)
	}
	p.stdin, p.send, p.receive = stdin, newSender(stdin), newReceiver(stdout)
	go func() {
		_ = cmd.Wait() // how it ended is read from ProcessState
		close(p.gone)
	}()
	if err := p.greet(ctx, o); err != nil {
		p.kill(err)
		<-p.gone
		return nil, fmt.Errorf("greeting render worker: %w%s", err, p.stderr.suffix())
	}
	return p, nil
}

func (p *process) greet(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { p.kill(ctx.Err()) })
	defer stop()
	if err := p.send.send(&hello{Version: version, Confine: true, Roots: o.Roots, Memory: o.Limits.Memory, Brief: o.Brief}); err != nil {
		return err
	}
	if err := p.receive.receive(&p.ready); err != nil {
		return err
	}
	if p.ready.Version != version {
		return fmt.Errorf("it speaks version %d of the protocol, want %d: was the binary replaced?", p.ready.Version, version)
	}
	p.measure()
	return nil
}

// do renders one chart. alive says whether the process can do another.
func (p *process) do(ctx context.Context, req helm.Request) (r model.Rendered, alive bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.limits.Timeout, errTooLong)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { p.kill(context.Cause(ctx)) })
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		p.watchMemory(done)
	}()
	var answer reply
	if err = p.send.send(&job{Request: req}); err == nil {
		err = p.receive.receive(&answer)
	}
	close(done)
	<-watched
	if err == nil && stop() {
		r, err := answer.result()
		return r, true, err
	}
	p.kill(err)
	<-p.gone
	return model.Rendered{}, false, p.explain(err)
}

var (
	errTooLong = errors.New("the render took too long")
	errTooMuch = errors.New("the render took too much memory")
)

// kill ends the process, once; the first reason counts.
func (p *process) kill(why error) {
	p.killOnce.Do(func() {
		p.why = why
		killGroup(p.cmd.Process)
	})
}

// dead reports whether the process has ended.
func (p *process) dead() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// memoryWords are how Go's runtime says that it got no more memory, or the C library or the race
// detector below it.
var memoryWords = []string{
	"out of memory", "cannot allocate memory", "pthread_create failed", "failed to create new OS thread", "failed to allocate",
}

// explain says in the user's words why the process ended during a job.
func (p *process) explain(err error) error {
	switch {
	case errors.Is(p.why, errTooLong):
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "RenderTimeout",
			Msg:  fmt.Sprintf("rendering did not end within %s and was stopped", p.limits.Timeout),
			Next: "look for a loop without end in the chart's templates",
		}
	case errors.Is(p.why, errTooMuch), p.stderr.has(memoryWords...):
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "RenderMemory",
			Msg:  fmt.Sprintf("rendering needed more than %d MiB of memory and was stopped", p.limits.Memory>>20),
			Next: "look for huge or endlessly repeated output in the chart's templates",
		}
	case p.stderr.has("stack overflow", "stack exceeds"):
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "RenderMemory", Msg: "a template calls itself without end",
			Next: "look for a template in the chart that includes itself",
		}
	case errors.Is(p.why, context.Canceled), errors.Is(p.why, context.DeadlineExceeded):
		return fmt.Errorf("rendering: %w", p.why)
	}
	return &model.Error{
		Kind: model.ErrTransient, Reason: "RenderCrashed",
		Msg: "the render worker ended unexpectedly: " + p.cmd.ProcessState.String(), Err: err,
	}
}

// stop lets an idle process end by itself.
func (p *process) stop() {
	p.stdin.Close()
	timer := time.AfterFunc(2*time.Second, func() { p.kill(nil) })
	defer timer.Stop()
	<-p.gone
}

// tail keeps the end of what a worker says on stderr. It is searched for known words and never
// shown: it could quote values.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := tailSize - len(t.text); room > 0 { // the first words tell, the rest is a trace
		t.text = append(t.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *tail) has(words ...string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range words {
		if bytes.Contains(t.text, []byte(w)) {
			return true
		}
	}
	return false
}

// suffix is what a worker said before any job: no values can be in it.
func (t *tail) suffix() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := strings.Join(strings.Fields(string(t.text)), " "); s != "" {
		return ": " + s[:min(len(s), 300)]
	}
	return ""
}
