package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

// Execute carries out a plan of a release, in one go: no hook runs, nothing is waited for and nothing
// recorded. It is for what has to be done before a run can begin.
func (l *Line) Execute(ctx context.Context, rel model.Release, p model.Plan, progress func(model.ObjectHealth)) error {
	_, err := l.execute(ctx, Request{Release: rel, Progress: progress}, p)
	return err
}

// Remove deletes objects of a release and returns when they are gone.
func (l *Line) Remove(ctx context.Context, rel model.Release, objects model.Inventory, progress func(model.ObjectHealth)) error {
	observed, err := l.observe(ctx, rel, nil, objects)
	if err != nil {
		return err
	}
	only := map[model.ObjectKey]model.Live{}
	for _, o := range objects {
		if seen, ok := observed[o.Key]; ok {
			seen.Keep = false // asked for by name
			only[o.Key] = seen
		}
	}
	req := Request{Release: rel, Progress: progress}
	results, err := l.execute(ctx, req, plan.Uninstall(rel, objects, only))
	if err != nil {
		return err
	}
	return l.gone(ctx, req, deleted(results))
}

// deleted are the objects that results say were deleted.
func deleted(results []model.Result) []model.ObjectKey {
	var keys []model.ObjectKey
	for i := range results {
		if c := &results[i].Change; c.Action == model.ActionPrune && !c.Unowned {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// gone returns when no watch shows any of the objects any more. What no watch has shown, because
// another tool made it, is not waited for.
func (l *Line) gone(ctx context.Context, req Request, keys []model.ObjectKey) error {
	timeout := cmp.Or(req.Release.Timeout, health.DefaultTimeout)
	up := time.NewTimer(timeout)
	defer up.Stop()
	label := req.Release.ID.Label()
	for {
		changed := l.Live.Changed(label)
		seen, err := l.Live.Observe(label, keys)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(keys), func(k model.ObjectKey) bool { _, there := seen[k]; return !there })
		if len(left) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-up.C:
			return &model.Error{
				Reason: health.VerdictTimeout, Object: left[0], Err: context.DeadlineExceeded,
				Msg:  fmt.Sprintf("still being deleted after %s", timeout),
				Next: "kubectl get " + left[0].Kind + " " + left[0].Name + " -n " + left[0].Namespace + " -o jsonpath={.metadata.finalizers} says what holds it",
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
