package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

// errDrifted ends a wait because others changed what was applied.
var errDrifted = errors.New("objects were changed by others")

// settle waits until what was applied is healthy, and puts back what others change or delete
// meanwhile, where the request wants that: it would be waited for in vain. All of it shares the one
// timeout of the release.
func (l *Line) settle(ctx context.Context, out *Outcome, desired []model.Object) error {
	req := out.Request
	until := time.Now().Add(cmp.Or(req.Release.Timeout, health.DefaultTimeout))
	calm := time.Time{} // until then drift is left alone
	for {
		var disturbed bool
		if out.Verdict, disturbed = l.wait(ctx, req, out.Results, until, calm); !disturbed {
			return nil
		}
		if pause := req.Drifted(ctx, l.Live.Drifted(req.Release.ID.Label())); pause > 0 {
			calm = time.Now().Add(pause)
			continue
		}
		if err := l.repair(ctx, out, desired); err != nil {
			return err
		}
	}
}

// repair applies once more what was changed since the results were.
func (l *Line) repair(ctx context.Context, out *Outcome, desired []model.Object) error {
	req := out.Request
	req.Former = nil // what was left of it is in the inventory
	if req.Writing != nil {
		if err := req.Writing(ctx); err != nil {
			return err
		}
	}
	p, err := l.plan(ctx, req, plan.Inventory(out.owned, out.Results), desired)
	if err != nil {
		return err
	}
	results, err := l.execute(ctx, req, spare(req, p))
	for _, r := range results {
		if r.Err == nil && !r.Skipped && r.Change.Action != model.ActionUnchanged {
			out.Repaired = append(out.Repaired, r.Change.Key)
		}
	}
	out.Results = latest(out.Results, results)
	return err
}

// latest are the results of two executions, of each object the one that tried something last.
func latest(first, then []model.Result) []model.Result {
	at := make(map[model.ObjectKey]int, len(first))
	for i := range first {
		at[first[i].Change.Key] = i
	}
	all := slices.Clone(first)
	for _, r := range then {
		n, known := at[r.Change.Key]
		switch {
		case !known:
			all = append(all, r)
		case !r.Skipped && r.Change.Action != model.ActionUnchanged:
			all[n] = r
		}
	}
	return all
}

// wait is over when all objects are healthy, one cannot become healthy, time is up or a newer request
// came; or, where the request wants to know, when others changed one of them after calm.
func (l *Line) wait(ctx context.Context, req Request, results []model.Result, until, calm time.Time) (v model.Verdict, disturbed bool) {
	if req.Waiting != nil {
		ctx = req.Waiting(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	src := newLiveSource(l.Live, req.Release.ID.Label())
	defer src.Close()
	if req.Drifted != nil {
		src.onDrift(calm, func() { cancel(errDrifted) })
	}
	v = l.Health.Wait(ctx, target(req, results, until), src, req.Progress)
	return v, v.Reason == health.VerdictCancelled && errors.Is(context.Cause(ctx), errDrifted)
}

// target is what to wait for: all that is there to stay and the release's own.
func target(req Request, results []model.Result, until time.Time) health.Target {
	t := health.Target{
		Release: req.Release, Versions: map[model.ObjectKey]string{}, Since: req.Since, Until: until,
		Locate: locator(req.Release),
	}
	for i := range results {
		c := &results[i].Change
		if c.Action == model.ActionPrune || c.Unowned || c.Desired == nil {
			continue
		}
		t.Keys = append(t.Keys, c.Key)
		if v := results[i].ResourceVersion; v != "" {
			t.Versions[c.Key] = v
		}
	}
	return t
}
