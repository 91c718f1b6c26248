package apply

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	attempts       = 7 // with the waits below: about fifteen seconds of trouble are survived
	firstWait      = 100 * time.Millisecond
	longestWait    = 8 * time.Second
	attemptTimeout = 35 * time.Second // the server gives up a request after 34 s itself
)

// retry does a request until it succeeds, fails for good, or has been tried often enough. Every
// attempt holds one of the applier's slots; waiting holds none.
func (a *Applier) retry(ctx context.Context, do func(context.Context) error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := a.attempt(ctx, do)
		if err == nil || try == attempts || !passing(ctx, err) {
			return err
		}
		pause := wait/2 + rand.N(wait)
		if s, ok := kube.RetryAfter(err); ok {
			pause = max(pause, time.Duration(s)*time.Second)
		}
		if !sleep(ctx, min(pause, longestWait)) {
			return err
		}
		wait *= 2
	}
}

func (a *Applier) attempt(ctx context.Context, do func(context.Context) error) error {
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-a.slots }()
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return do(ctx)
}

// passing reports whether trying again can help: the server is busy or away, or someone wrote at
// the same moment. A deadline counts only when it was the attempt's own.
func passing(ctx context.Context, err error) bool {
	switch model.KindOf(err) {
	case model.ErrTransient:
		return true
	case model.ErrConflict:
		switch model.ReasonOf(err, "") {
		case kube.ReasonChanged, "AlreadyExists":
			return true
		}
	}
	return errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}

// sleep reports whether it could sleep the whole time.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
