package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/inspect"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// DefaultTimeout is longer than a release may take by default, so that its own verdict comes first.
const DefaultTimeout = 10 * time.Minute

// Follower follows one release after a wish was made.
type Follower struct {
	IO       *output.Streams
	Releases *releases.Reader
	Inspect  *inspect.Reader
	Dynamic  dynamic.Interface
	Now      func() time.Time
	Timeout  time.Duration // 0 is none

	started time.Time
}

// New makes a Follower from what a command has.
func New(f *cli.Factory, timeout time.Duration) (*Follower, error) {
	c, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	r, err := f.Releases()
	if err != nil {
		return nil, err
	}
	in, err := f.Inspect()
	if err != nil {
		return nil, err
	}
	return &Follower{IO: f.IO, Releases: r, Inspect: in, Dynamic: c.Dynamic, Now: f.Now, Timeout: timeout, started: f.Now()}, nil
}

// Until shows how the release goes on until a controller has dealt with the wish and nothing is going
// on any more, and gives the release as it is then. When the time is up, the error is cli.ErrTimeout
// with what was seen last.
func (f *Follower) Until(ctx context.Context, id model.ReleaseID, g Granted) (releases.View, error) {
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.Timeout, cli.ErrTimeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &screen{progress: output.NewProgress(f.IO, f.Now), start: f.Now(), now: f.Now, granted: g}
	go s.clock(ctx)
	go follow(ctx, f.Dynamic, id, s.object)

	var last releases.View
	gone := false
	err := f.Releases.Watch(ctx, func(all []releases.View) error {
		v, found := pick(all, id)
		if gone = !found; gone {
			return releases.ErrStop
		}
		last = v
		s.release(v)
		if g.handled(v) && v.Settled() {
			return releases.ErrStop
		}
		return nil
	})
	s.close()
	if err == nil && !gone {
		// What the history says may be newer than what came with the last event.
		return f.again(ctx, last)
	}
	switch {
	case gone:
		return last, &model.Error{Kind: model.ErrNotFound, Reason: "Deleted", Msg: fmt.Sprintf("%s was deleted meanwhile", id)}
	case err != nil && errors.Is(context.Cause(ctx), cli.ErrTimeout):
		return last, f.late(last, g)
	}
	return last, err
}

// again reads a release once more.
func (f *Follower) again(ctx context.Context, v releases.View) (releases.View, error) {
	all, err := f.Releases.List(ctx)
	if err != nil {
		return v, err
	}
	if now, found := pick(all, v.ID()); found {
		return now, nil
	}
	return v, nil
}

// late is the error for a wish that did not come true in time.
func (f *Follower) late(v releases.View, g Granted) error {
	e := &model.Error{
		Reason: "Timeout", Err: fmt.Errorf("%w after %s", cli.ErrTimeout, f.Timeout),
		Msg:  fmt.Sprintf("waiting for %s, which is %s (%s)", v.Short(), v.Status, v.Message),
		Next: "it may still succeed: fairlead status " + v.Short(),
	}
	if !g.handled(v) && v.Status != releases.Progressing {
		e.Msg = fmt.Sprintf("waiting for a controller to take up %s", v.Short())
		e.Next = "is one running? fairlead up starts one on this machine; the wish stays and is granted when one comes"
	}
	return e
}

func pick(all []releases.View, id model.ReleaseID) (releases.View, bool) {
	for _, v := range all {
		if v.ID() == id {
			return v, true
		}
	}
	return releases.View{}, false
}
