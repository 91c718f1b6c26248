package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Helm's hook annotations: https://helm.sh/docs/topics/charts_hooks/
const (
	hookBeforeCreation = "before-hook-creation"
	hookSucceeded      = "hook-succeeded"
	hookFailed         = "hook-failed"
)

// hooks runs a chart's hooks for one moment of the run ("pre" or "post"), one after another by
// weight and name, as Helm does. A hook is a little release of its own: planned, applied, waited
// for and taken away by the same stages. Its label is not the release's, so it is never pruned as
// part of it.
func (l *Line) hooks(ctx context.Context, req Request, moment string, hooks []model.Object) (model.Verdict, error) {
	event := moment + "-" + hookEvent(req)
	due := dueHooks(event, hooks)
	for n, hook := range due {
		if v, err := l.hook(ctx, req, event, hook); err != nil {
			for i := range v.Causes {
				v.Causes[i].Summary = event + " hook: " + v.Causes[i].Summary
			}
			err = fmt.Errorf("running %s hook %s: %w", event, hook.Key.Short(), err)
			return v, errors.Join(err, l.removeSucceeded(ctx, req, event, due[:n]))
		}
	}
	return model.Verdict{}, l.removeSucceeded(ctx, req, event, due)
}

// dueHooks are the hooks of an event in the order they run.
func dueHooks(event string, hooks []model.Object) []model.Object {
	due := slices.DeleteFunc(slices.Clone(hooks), func(o model.Object) bool {
		return o.Hook == nil || !slices.Contains(o.Hook.Events, event)
	})
	slices.SortStableFunc(due, func(a, b model.Object) int {
		if a.Hook.Weight != b.Hook.Weight {
			return a.Hook.Weight - b.Hook.Weight
		}
		return strings.Compare(a.Key.Name, b.Key.Name)
	})
	return due
}

// hookRuns are all hooks that a run will run.
func hookRuns(req Request, hooks []model.Object) []model.HookRun {
	var runs []model.HookRun
	for _, moment := range []string{"pre", "post"} {
		event := moment + "-" + hookEvent(req)
		for _, h := range dueHooks(event, hooks) {
			runs = append(runs, model.HookRun{Event: event, Object: h.Key})
		}
	}
	return runs
}

// removeSucceeded deletes hooks that want to go when they succeeded, the last one first. It is done when
// the event is over: a Job runs with the ServiceAccount that an earlier hook made. Where the run is
// cancelled they are deleted all the same, and not waited for.
func (l *Line) removeSucceeded(ctx context.Context, req Request, event string, hooks []model.Object) error {
	var errs []error
	for _, hook := range slices.Backward(hooks) {
		if !slices.Contains(hook.Hook.DeletePolicies, hookSucceeded) {
			continue
		}
		if err := l.removeHook(ctx, forHook(req, event), hook); err != nil {
			errs = append(errs, fmt.Errorf("deleting hook %s: %w", hook.Key.Short(), err))
		}
	}
	return errors.Join(errs...)
}

// forHook is the request for one hook of a run.
func forHook(req Request, event string) Request {
	own := req
	own.event = event
	own.Mode = ModeUpgrade // a hook is made, also where its release is removed
	own.foreign = anyForeign(req.History)
	own.Release.ID.Kind = "Hook-" + req.Release.ID.Kind
	own.History, own.Former, own.Waiting, own.Drifted = nil, nil, nil, nil
	return own
}

// hookEvent is Helm's word for what the run is.
func hookEvent(req Request) string {
	switch {
	case req.Mode == ModeUninstall:
		return "delete"
	case req.Mode == ModeRollback:
		return "rollback"
	case req.Mode == ModeRepair:
		return "repair" // Helm knows no such event: no hook runs
	case req.Installing():
		return "install"
	}
	return "upgrade"
}

// hook runs one hook. The verdict is of one that was applied and did not succeed.
func (l *Line) hook(ctx context.Context, req Request, event string, hook model.Object) (v model.Verdict, err error) {
	if ctx.Err() != nil {
		return v, context.Cause(ctx)
	}
	policies := hook.Hook.DeletePolicies
	if len(policies) == 0 {
		policies = []string{hookBeforeCreation}
	}
	own := forHook(req, event)
	if slices.Contains(policies, hookBeforeCreation) {
		if err := l.removeHook(ctx, own, hook); err != nil {
			return v, err
		}
	}
	p, err := l.plan(ctx, own, nil, []model.Object{hook})
	if err != nil {
		return v, err
	}
	results, err := l.execute(ctx, own, withoutPrune(p))
	if err != nil {
		return v, err
	}
	if req.Pausing != nil {
		req.Pausing(event + " hook " + hook.Key.Short())
	}
	verdict := l.wait(ctx, own, target(own, results), time.Time{})
	if req.Writing != nil {
		if err := req.Writing(ctx); err != nil {
			return v, err
		}
	}
	switch verdict.Reason { // cut short: it may succeed yet, and the next run looks
	case health.VerdictSuperseded:
		return v, health.ErrSuperseded
	case health.VerdictCancelled:
		if err := context.Cause(ctx); err != nil {
			return v, err
		}
	}
	if verdict.Status == model.Healthy {
		return v, nil
	}
	if verdict.Status == model.Unknown { // the watch is down: it may have succeeded
		return verdict, &model.Error{
			Kind: model.ErrTransient, Reason: "HookUnobserved", Object: hook.Key, Msg: "what came of it is not known: " + verdict.Message,
		}
	}
	err = hookError(hook, verdict)
	if slices.Contains(policies, hookFailed) {
		err = errors.Join(err, l.removeHook(ctx, own, hook))
	}
	return verdict, err
}

// anyForeign reports whether another tool made a revision of the history: it may have left hooks.
func anyForeign(history []model.Record) bool {
	return slices.ContainsFunc(history, func(r model.Record) bool { return r.Owner == "" })
}

// reasonHookFailed is of a hook that was applied and did not succeed. One that could not be applied or
// looked at has another: it may be tried again.
const reasonHookFailed = "HookFailed"

func hookHasFailed(err error) bool { return model.ReasonOf(err, "") == reasonHookFailed }

// hookError says why a hook did not succeed, by its cause.
func hookError(hook model.Object, v model.Verdict) error {
	e := &model.Error{
		Kind: model.ErrInvalid, Reason: reasonHookFailed, Object: hook.Key,
		File: hook.Origin.File, Line: hook.Origin.Line, Msg: v.Message,
	}
	if len(v.Causes) > 0 {
		e.Msg, e.Next = v.Causes[0].Root(), v.Causes[0].Next
	}
	return e
}

// withoutPrune keeps earlier hooks of the release: their own policies say when they go.
func withoutPrune(p model.Plan) model.Plan {
	phases := make([][]model.Change, 0, len(p.Phases))
	for _, ph := range p.Phases {
		ph = slices.DeleteFunc(slices.Clone(ph), func(c model.Change) bool { return c.Action == model.ActionPrune })
		if len(ph) > 0 {
			phases = append(phases, ph)
		}
	}
	return model.Plan{Release: p.Release, Phases: phases}
}
