package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

// removeHook deletes what an earlier run, or this one, left of a hook and waits until it is gone, at
// most for the release's timeout: a finalizer can hold it for ever. A cancelled run deletes it too, but
// does not wait.
func (l *Line) removeHook(ctx context.Context, own Request, hook model.Object) error {
	timeout := cmp.Or(own.Release.Timeout, health.DefaultTimeout)
	deleting, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	prepared, err := plan.Prepare(own.Release, []model.Object{hook}, l.scope(deleting))
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		changed := l.Live.Changed(own.Release.ID.Label())
		seen, err := l.observe(deleting, own.Release, prepared, nil)
		if err != nil {
			return err
		}
		live, exists := seen[prepared[0].Key]
		if !exists {
			if first && own.foreign {
				return l.removeForeign(deleting, own, prepared[0])
			}
			return nil
		}
		if !live.Deleting {
			only := map[model.ObjectKey]model.Live{prepared[0].Key: live}
			if _, err := l.execute(deleting, own, plan.Uninstall(own.Release, nil, only)); err != nil {
				return err
			}
		}
		over, err := pausing(ctx, own, "the end of "+own.event+" hook "+hook.Key.Short(), deleting.Done(), changed)
		if err != nil {
			return err
		}
		if over {
			return l.stillThere(ctx, prepared[0], timeout)
		}
	}
}

// pausing waits for a change while others write; over is true when time is up.
func pausing(ctx context.Context, req Request, what string, up, changed <-chan struct{}) (over bool, err error) {
	if req.Pausing != nil {
		req.Pausing(what)
	}
	select {
	case <-changed:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case <-up:
		over = true
	}
	if req.Writing != nil {
		err = req.Writing(ctx)
	}
	return over, err
}

// stillThere says what holds an object that does not go.
func (l *Line) stillThere(ctx context.Context, o model.Object, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	e := &model.Error{
		Reason: health.VerdictTimeout, Object: o.Key, Err: context.DeadlineExceeded,
		Msg:  fmt.Sprintf("still being deleted after %s", timeout),
		Next: "see what its controller waits for",
	}
	gvk := schema.GroupVersionKind{Group: o.Key.Group, Version: o.Version, Kind: o.Key.Kind}
	if m, err := l.Cluster.GetMeta(ctx, gvk, o.Key.Namespace, o.Key.Name); err == nil && len(m.Finalizers) > 0 {
		e.Msg += ", held by its finalizers " + strings.Join(m.Finalizers, ", ")
		e.Next = "see to it that whoever set them is at work, or take them off"
	}
	return e
}

// lookTime is how long asking for the cause of a failure may take.
const lookTime = 10 * time.Second

// removeForeign deletes what another tool left of a hook, which no watch shows.
func (l *Line) removeForeign(ctx context.Context, own Request, hook model.Object) error {
	inv := model.Inventory{{Key: hook.Key, Version: hook.Version}}
	_, err := l.execute(ctx, own, plan.Uninstall(own.Release, inv, nil))
	return err
}
