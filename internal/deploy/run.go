package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// Reasons that errors of this package have.
const (
	ReasonInterrupted = "Interrupted"
	reasonMoved       = "Moved"
)

// rounds is how often a run is planned anew because somebody else finished one meanwhile.
const rounds = 3

// Run carries out a request. Whatever happens, the observer is told of it, at last by Finished with
// the result that is returned.
func (d *Deployer) Run(ctx context.Context, req Request, o Observer) Result {
	j := &job{d: d, req: req, o: o, res: Result{Verb: req.Verb, Release: req.Release, DryRun: req.DryRun, Started: d.Now()}}
	for range rounds {
		if j.res.Err = j.run(ctx); model.ReasonOf(j.res.Err, "") != reasonMoved {
			break
		}
	}
	if ctx.Err() != nil && j.res.Err != nil {
		j.res.Err = context.Canceled
	}
	j.res.Ended = d.Now()
	if j.res.Err != nil {
		j.res.Failure = j.failure()
	}
	o.Finished(j.res)
	return j.res
}

// job is one run on its way.
type job struct {
	d       *Deployer
	req     Request
	o       Observer
	res     Result
	history []model.Record
	plan    model.Plan // compared, with what Run adds

	keepers   map[keeper]error         // whom objects are marked by, and why that hinders
	ours      map[model.ObjectKey]bool // of what is taken over: what this release made
	deleted   []model.ObjectKey        // to be made anew
	neverGood bool                     // there was nothing to go back to
}

// run observes, plans, shows the plan, and acts.
func (j *job) run(ctx context.Context) error {
	j.o.Step(StepPlan)
	line, err := j.prepare(ctx)
	if err != nil {
		return err
	}
	preview := j.d.Line.Preview(ctx, line)
	j.res.Outcome = preview
	j.res.Outcome.Plan = model.Plan{} // not before it is compared
	if preview.Err != nil {
		return preview.Err
	}
	if err := empty(j.req, preview); err != nil {
		j.res.Outcome.Stage = pipeline.StageRender
		return err
	}
	if err := j.compare(ctx, preview.Plan); err != nil {
		j.res.Outcome.Stage = pipeline.StagePlan
		return err
	}
	same := line.Mode == pipeline.ModeUpgrade && settled(line.Last(), j.req.Release.ID, preview.Inputs) &&
		repairs(line.Last(), j.req.Release.ID, preview.Plan)
	if same {
		j.plan.Hooks = nil // what is repaired, or not touched at all, runs none
	}
	j.res.Outcome.Plan = j.plan
	j.o.Planned(j.plan)
	if err := refused(j.plan); err != nil {
		j.res.Outcome.Stage = pipeline.StagePlan
		return err
	}
	if j.req.DryRun {
		return nil
	}
	if same {
		if j.plan.Empty() {
			j.res.Unchanged = true
			// Costs nothing, unless a run died between recording its revision and marking the one before.
			return j.d.Records.Settle(ctx, j.req.Release.Namespace, j.req.Release.Name, j.history)
		}
		line.Mode = pipeline.ModeRepair
	}
	return j.act(ctx, line)
}

// prepare reads the history and makes of the request one of the line.
func (j *job) prepare(ctx context.Context) (pipeline.Request, error) {
	rel := j.req.Release
	history, err := j.d.Records.History(ctx, rel.Namespace, rel.Name)
	if err != nil {
		return pipeline.Request{}, denied(err, rel)
	}
	j.history = history
	if err := j.inventory(ctx); err != nil {
		return pipeline.Request{}, err
	}
	if last := newest(history); last != nil && last.Status != model.RecordUninstalled {
		j.res.Before, j.res.Revision = last.Revision, last.Revision
	}
	if err := judge(rel.ID, history, j.d.Now()); err != nil {
		return pipeline.Request{}, err
	}
	line := pipeline.Request{Release: rel, History: j.history, Mode: pipeline.ModeUpgrade, Progress: j.o.Progress, Reason: string(j.req.Verb)}
	switch j.req.Verb {
	case VerbRollback:
		line.Mode, line.Unread, line.HoldBy = pipeline.ModeRollback, true, "fairlead rollback"
		if line.Target, err = target(rel.ID, history, j.req.Target); err == nil {
			line.Keep, err = j.d.beside(ctx, rel, history)
		}
	case VerbUninstall:
		line.Mode, line.Gone = pipeline.ModeUninstall, true
		if last := newest(history); last == nil || last.Status == model.RecordUninstalled {
			err = &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRelease", Msg: fmt.Sprintf("there is no release %s/%s", rel.Namespace, rel.Name)}
		}
	}
	return line, err
}

// empty refuses manifests without a single object: a wrong folder or an empty pipe is no wish to have
// nothing, which --prune would make of it. It is the error of nothing at all; nil for others.
func empty(req Request, preview pipeline.Outcome) error {
	if req.Verb != VerbApply || len(preview.Plan.Hooks) > 0 {
		return nil
	}
	for _, c := range preview.Plan.Changes() {
		if c.Desired != nil {
			return nil
		}
	}
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "NoObjects", Msg: "there is no object in what -f names",
		Next: fmt.Sprintf("check the path (-R reads folders below too); to remove the release: fairlead uninstall %s -n %s", req.Release.Name, req.Release.Namespace),
	}
}

// beside are the objects of a release of plain manifests that its newest revision's own manifests do not
// have: they were left because nobody asked to prune them, and a rollback does not either.
func (d *Deployer) beside(ctx context.Context, rel model.Release, history []model.Record) ([]model.ObjectKey, error) {
	if rel.ID.Kind != model.KindManifests {
		return nil, nil
	}
	return d.Line.Beside(ctx, rel, history)
}

// inventory reads the newest revision's inventory where it was too large for its annotation.
func (j *job) inventory(ctx context.Context) error {
	last := newest(j.history)
	if last == nil || last.Owner == "" || last.Inventory != nil {
		return nil
	}
	inv, err := j.d.Records.Owned(ctx, j.req.Release.Namespace, j.req.Release.Name, last.Revision)
	if err != nil {
		return fmt.Errorf("reading what revision %d consists of: %w", last.Revision, err)
	}
	last.Inventory = inv
	return nil
}

// act takes the release in hand and carries the plan out.
func (j *job) act(ctx context.Context, line pipeline.Request) error {
	rel := j.req.Release
	if err := j.makeNamespace(ctx); err != nil {
		return err
	}
	holder := j.d.Holder
	holder.Doing = string(j.req.Verb)
	lock, err := j.d.Records.Lock(ctx, rel.Namespace, rel.Name, holder, j.d.Dead, j.waiting)
	if err != nil {
		return denied(err, rel)
	}
	defer func() { _ = lock.Unlock(context.WithoutCancel(ctx)) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-lock.Lost:
			cancel(&model.Error{Kind: model.ErrConflict, Reason: "LockLost", Msg: "another process took the release over", Next: "run this again when it is done"})
		case <-ctx.Done():
		}
	}()
	if err := j.unmoved(ctx); err != nil {
		return err
	}
	if err := j.d.Records.Settle(ctx, rel.Namespace, rel.Name, j.history); err != nil {
		return err
	}
	j.o.Step(StepRun)
	line.Applying = j.recreate
	out := j.d.Line.Run(ctx, line)
	out.Plan = j.plan
	j.res.Outcome = out
	if out.Record != nil {
		j.res.Revision = out.Record.Revision
	}
	if line.Mode == pipeline.ModeUninstall && out.Err == nil {
		j.res.Revision = 0
		return nil
	}
	err = outcomeError(&out)
	if err == nil {
		return nil
	}
	if out.Err == nil {
		j.res.Outcome.Stage = pipeline.StageHealth
	}
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	if j.goesBack(line, &out) {
		j.back(ctx, line, &out)
	}
	return err
}

// waiting says that someone has the release in hand who may have died.
func (j *job) waiting(h record.Holder) {
	if j.d.Say != nil {
		j.d.Say("%s has the release in hand (%s since %s): looking whether it is still at work", h.Who, h.Doing, h.Since.Format(time.RFC3339))
	}
}

// unmoved looks that the history is what the plan was made from.
func (j *job) unmoved(ctx context.Context) error {
	rel := j.req.Release
	now, err := j.d.Records.History(ctx, rel.Namespace, rel.Name)
	if err != nil {
		return err
	}
	a, b := newest(j.history), newest(now)
	if a == nil && b == nil || a != nil && b != nil && a.Revision == b.Revision && a.Status == b.Status {
		return nil
	}
	return &model.Error{
		Kind: model.ErrConflict, Reason: reasonMoved, Msg: fmt.Sprintf("release %s/%s was changed while this run was planned", rel.Namespace, rel.Name),
		Next: "run this again",
	}
}

// outcomeError is why an outcome is not what was wanted; nil when it is.
func outcomeError(out *pipeline.Outcome) error {
	switch {
	case out.Err != nil:
		return out.Err
	case out.Verdict.Status == model.Healthy:
		return nil
	case out.Verdict.Reason == health.VerdictTimeout:
		return fmt.Errorf("%s: %w", out.Verdict.Message, context.DeadlineExceeded)
	}
	return errors.New(out.Verdict.Message)
}
