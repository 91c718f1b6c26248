package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
	"github.com/fairlead-cd/fairlead/internal/resident"
)

const (
	keptCharts = 8
	// restAfter is how long a worker waits for a job before it hands memory back.
	restAfter = 250 * time.Millisecond
	// maxStack ends a template that calls itself forever well before memory does.
	maxStack = 64 << 20
)

// Serve is the whole life of a worker: it reads jobs from in, writes replies to out, and returns
// when in ends.
func Serve(in io.Reader, out io.Writer) error {
	send, receive := newSender(out), newReceiver(in)
	var h hello
	if err := receive.receive(&h); err != nil {
		return fmt.Errorf("reading greeting: %w", err)
	}
	trim := func() {}
	if !h.Brief {
		trim = resident.Own().Trim
		trim() // of what starting touched, a worker never uses most
	}
	answer := ready{Version: version}
	if h.Version == version && h.Confine {
		quiet()
		answer.Enforced, answer.Missing = confine(h)
	}
	if err := send.send(&answer); err != nil {
		return fmt.Errorf("answering greeting: %w", err)
	}
	if h.Version != version {
		return fmt.Errorf("protocol version %d is asked for, this is %d", h.Version, version)
	}
	jobs, failed := make(chan job), make(chan error, 1)
	go func() {
		failed <- read(receive, jobs)
	}()
	return serve(jobs, failed, send, trim)
}

func read(receive *receiver, jobs chan<- job) error {
	defer close(jobs)
	for {
		var j job
		if err := receive.receive(&j); err != nil {
			return err
		}
		jobs <- j
	}
}

func serve(jobs <-chan job, failed <-chan error, send *sender, trim func()) error {
	charts := &helm.Recent{Max: keptCharts}
	rest := time.NewTimer(restAfter)
	for {
		select {
		case <-rest.C:
			trim()
			continue
		case j, ok := <-jobs:
			if !ok {
				if err := <-failed; !errors.Is(err, io.EOF) {
					return fmt.Errorf("reading job: %w", err)
				}
				return nil
			}
			r := render(j.Request, charts)
			if err := send.send(&r); err != nil {
				return fmt.Errorf("replying: %w", err)
			}
			rest.Reset(restAfter)
		}
	}
}

func render(req helm.Request, charts *helm.Recent) (r reply) {
	defer func() {
		if p := recover(); p != nil { // what was found can quote values: it is not told
			r = replyOf(model.Rendered{}, &model.Error{
				Kind: model.ErrInvalid, Reason: "RenderCrashed", Msg: "Helm's engine crashed on this chart",
				Next: "try `helm template` on it and report what it says",
			})
		}
	}()
	return replyOf(helm.Render(context.Background(), req, charts))
}

// quiet drops what Helm logs: its warnings quote values, which can be secret.
func quiet() {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
}
