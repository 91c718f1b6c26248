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

// Until shows how the release goes on until done says that the wish was dealt with, and gives the
// release as it is then. When the time is up, the error is cli.ErrTimeout with what was seen last.
func (f *Follower) Until(ctx context.Context, id model.ReleaseID, done func(releases.View) bool) (releases.View, error) {
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.Timeout, cli.ErrTimeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	progress := output.NewProgress(f.IO, f.Now)
	s := &screen{progress: progress, start: f.Now(), now: f.Now, id: id}
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
		if done(v) {
			return releases.ErrStop
		}
		return nil
	})
	s.close()
	switch {
	case gone:
		return last, &model.Error{Kind: model.ErrNotFound, Reason: "Deleted", Msg: fmt.Sprintf("%s was deleted meanwhile", id)}
	case err != nil && errors.Is(context.Cause(ctx), cli.ErrTimeout):
		return last, fmt.Errorf("waiting for %s, which is %s (%s): %w after %s", last.Short(), last.Status, last.Message, cli.ErrTimeout, f.Timeout)
	}
	return last, err
}

func pick(all []releases.View, id model.ReleaseID) (releases.View, bool) {
	for _, v := range all {
		if v.ID() == id {
			return v, true
		}
	}
	return releases.View{}, false
}

// Answered reports whether the view tells what came of a wish: the controller says that it handled
// it, and nothing is going on any more.
func Answered(v releases.View, g Granted) bool { return v.Settled() && v.Handled == g.token }
