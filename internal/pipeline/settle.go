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

// vainPause is how long a run waits after it could put nothing back.
const vainPause = time.Second

// settle waits until what was applied is healthy, and puts back what others change or delete
// meanwhile, where the request wants that: it would be waited for in vain. All of it shares the one
// timeout of the release. That something cannot be put back is no reason to stop waiting.
func (l *Line) settle(ctx context.Context, out *Outcome, prepared []model.Object) {
	req := out.Request
	until := time.Now().Add(cmp.Or(req.Release.Timeout, health.DefaultTimeout))
	var failed error
	for calm := (time.Time{}); ; {
		t := target(req, out.Results)
		t.Until = until
		if out.Verdict = l.wait(ctx, req, t, calm); out.Verdict.Reason != health.VerdictDisturbed {
			break
		}
		var pause time.Duration
		pause, failed = l.putBack(ctx, out, t.Keys, prepared)
		calm = time.Now().Add(pause)
	}
	if failed != nil && out.Verdict.Reason == health.VerdictTimeout {
		out.Verdict.Message += fmt.Sprintf("; putting back what others changed: %v", failed)
	}
}

// putBack applies once more what others changed of keys, if it may. Drift is left alone for the time it
// gives.
func (l *Line) putBack(ctx context.Context, out *Outcome, keys []model.ObjectKey, prepared []model.Object) (time.Duration, error) {
	req := out.Request
	req.Former = nil // what was left of it is in the inventory
	if req.Writing != nil {
		if err := req.Writing(ctx); err != nil {
			return vainPause, nil // the run ends, as the next wait will tell
		}
	}
	drifted := l.Live.Drifted(req.Release.ID.Label(), keys)
	if len(drifted) == 0 {
		return 0, nil
	}
	if pause := req.Drifted(ctx); pause > 0 {
		return pause, nil
	}
	p, err := l.planned(ctx, req, plan.Inventory(out.owned, out.Results), prepared)
	if err != nil {
		err = fmt.Errorf("looking at what drifted: %w", err)
	}
	var results []model.Result
	if err == nil {
		results, err = l.execute(ctx, req, spare(req, p))
		out.Results = latest(out.Results, results)
	}
	back := slices.DeleteFunc(drifted, func(key model.ObjectKey) bool {
		return !slices.ContainsFunc(results, func(r model.Result) bool { return r.Change.Key == key && succeeded(r) })
	})
	if req.Repaired != nil {
		req.Repaired(back, err)
	}
	if len(back) == 0 {
		return vainPause, err
	}
	return 0, err
}

// succeeded reports whether a result changed its object.
func succeeded(r model.Result) bool {
	return r.Err == nil && !r.Skipped && r.Change.Action != model.ActionUnchanged
}

// latest are the results of two executions, of each object the last one that changed it.
func latest(first, then []model.Result) []model.Result {
	at := make(map[model.ObjectKey]int, len(first))
	for i := range first {
		at[first[i].Change.Key] = i
	}
	all := slices.Clone(first)
	for _, r := range then {
		if n, known := at[r.Change.Key]; !known {
			all = append(all, r)
		} else if succeeded(r) {
			all[n] = r
		}
	}
	return all
}

// wait is over when all objects are healthy, one cannot become healthy, time is up or a newer request
// came; or, where the request wants to know, when others changed one of them and calm is over.
func (l *Line) wait(ctx context.Context, req Request, t health.Target, calm time.Time) model.Verdict {
	if req.Waiting != nil {
		ctx = req.Waiting(ctx)
	}
	src := newLiveSource(l.Live, req.Release.ID.Label())
	defer src.Close()
	if req.Drifted != nil {
		src.wakeAt(calm)
		t.Disturbed = func() bool {
			return !time.Now().Before(calm) && len(l.Live.Drifted(req.Release.ID.Label(), t.Keys)) > 0
		}
	}
	return l.Health.Wait(ctx, t, src, req.Progress)
}

// target is what to wait for: all that is there to stay and the release's own.
func target(req Request, results []model.Result) health.Target {
	t := health.Target{
		Release: req.Release, Versions: map[model.ObjectKey]string{}, Since: req.Since,
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
