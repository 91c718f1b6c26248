package controller

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// ask is what a kind's store and reading give for one turn.
type ask struct {
	Release     model.Release
	History     []model.Record
	Sync        Sync
	SyncToken   string // what asked, so that it is handled once
	Unsupported []string
	Err         error  // the request itself is wrong
	Refresh     string // asked to look again, without changing anything; empty when nobody did
	By          string // who asked; empty when nobody did
	deleting    bool   // the request is being deleted
	historyErr  error  // why History is not all there is
	operation   *argo.Operation
}

// kind is one kind of request: how it is read and how what came of it is written.
type kind interface {
	// Read gives the request; found is false when there is none.
	Read(ctx context.Context, id model.ReleaseID) (a ask, found bool)
	// Write puts the report into the request's status, in one request to the API server, or none
	// when nothing changed.
	Write(ctx context.Context, id model.ReleaseID, rep Report) error
	// Gone gives the releases to remove when the request is gone.
	Gone(ctx context.Context, id model.ReleaseID) ([]departed, error)
}

// Report is everything a turn found and did, for the status.
type Report struct {
	Ask      ask
	Decision Decision
	Outcome  *pipeline.Outcome // nil when nothing was run
	Artifact model.Artifact
	Inputs   string
	Drift    []model.ObjectKey
	Health   model.Health         // of the release as a whole
	Objects  []model.ObjectHealth // its objects, as far as they are watched
	Last     *model.Record
	Stage    pipeline.Stage
	Err      error
	Stale    error             // why the source could not be read; Artifact is then the last good one
	Repaired []model.ObjectKey // what others changed while the run waited, and it put back
	Hook     string            // what the rollout waits for, if it is a hook
	Running  bool              // the rollout is still under way: an interim report
	Began    time.Time         // of the rollout, in an interim report
	At       time.Time

	interim *interim // of the run's waits; nil when it did not come to that
}

// leadPause is how long a process does nothing that may not lead any more.
const leadPause = time.Second

// turn does one run of a release: observe, decide, act, write.
func (r *Reconciler) turn(ctx context.Context, t *Turn) time.Duration {
	if !r.leading() {
		return leadPause // it ends soon, or has the lease again
	}
	k := r.kinds[t.ID.Kind]
	a, found := k.Read(ctx, t.ID)
	if !found {
		return r.remove(ctx, t, k)
	}
	if a.deleting {
		return r.finish(ctx, t, a)
	}
	r.removals.forget(t.ID)
	r.index(a.Release)
	rep := Report{Ask: a, At: r.now()}
	rep.Last = newest(a.History)
	if a.Err == nil {
		r.inputs(ctx, &rep)
	} else {
		rep.Err, rep.Stage = a.Err, pipeline.StageSource
	}
	again := time.Duration(0)
	if rep.Err == nil || canGoBack(a) {
		again = r.act(ctx, t, k, &rep)
	} else {
		again = r.retryAfter(t.ID, rep.Err)
	}
	rep.interim.end()
	if ctx.Err() != nil || cutShort(rep.Outcome) {
		return 0 // what asked for another turn is waiting for it; this one has nothing true to tell
	}
	if !r.leading() {
		return leadPause // another process tells by now
	}
	if rep.Err == nil && rep.Stale != nil {
		rep.Err, rep.Stage = rep.Stale, pipeline.StageSource
	}
	if rep.Outcome != nil && rep.Outcome.OK() {
		t.Looking() // else what recovered since the run failed is to be noticed by the next turn
	}
	r.look(&rep)
	if rep.Err == nil && again == 0 {
		r.retries.forget(t.ID)
	}
	r.metrics.count(t.ID.Kind, &rep)
	r.tell(t.ID, &rep)
	if err := k.Write(ctx, t.ID, rep); err != nil {
		r.log.Error("writing status", "release", t.ID.String(), "error", err)
		return max(again, r.backoff(t.ID))
	}
	return again
}

// leading reports whether this process is the one that may change anything now.
func (r *Reconciler) leading() bool { return r.leads == nil || r.leads() }

// cutShort reports whether a run, or the run back after it, ended because a newer request came.
func cutShort(out *pipeline.Outcome) bool {
	return out != nil && (out.Verdict.Reason == pipeline.ReasonSuperseded || superseded(out.Err) || cutShort(out.RolledBack))
}

// canGoBack: a rollback needs neither the source nor the values as they are now.
func canGoBack(a ask) bool {
	last := newest(a.History)
	return a.Release.Hold != nil && last != nil && last.HoldTime != a.Release.Hold.Time &&
		model.ReasonOf(a.Err, "") != reasonClaimed
}

// act decides and carries the decision out.
func (r *Reconciler) act(ctx context.Context, t *Turn, k kind, rep *Report) time.Duration {
	obs, err := r.observe(ctx, rep)
	if err != nil {
		rep.Err, rep.Stage = err, pipeline.StagePlan
		return r.retryAfter(t.ID, err)
	}
	former, err := r.former(ctx, rep.Ask.Release)
	if err != nil {
		rep.Err, rep.Stage = err, pipeline.StagePlan
		return r.retryAfter(t.ID, err)
	}
	for _, f := range former {
		obs.Former = append(obs.Former, f.release.Namespace+"/"+f.release.Name)
	}
	rep.Drift = obs.Drift
	if err := r.noteLeft(ctx, rep, obs.Own); err != nil {
		rep.Err, rep.Stage = err, pipeline.StagePlan
		return r.retryAfter(t.ID, err)
	}
	d := Decide(obs)
	rep.Decision = d
	req := pipeline.Request{Release: rep.Ask.Release, Reason: d.Why, History: rep.Ask.History, Since: rep.At}
	rep.interim = newInterim(interimAfter, r.engine.Busy)
	req.Pausing = func(what string) {
		t.Pausing()
		rep.interim.tell(r.progress(ctx, k, t.ID, *rep, what))
	}
	req.Writing = func(ctx context.Context) error {
		rep.interim.hush()
		return t.Writing(ctx)
	}
	req.Waiting = func(ctx context.Context) context.Context {
		ctx = t.Waiting(ctx)
		rep.interim.tell(r.progress(ctx, k, t.ID, *rep, ""))
		return ctx
	}
	// What is about to be told for good needs no word before.
	req.Recording = rep.interim.hush
	r.repairWaiting(t, rep, &req)
	if pause := r.resting(t.ID, rep); pause > 0 {
		return pause
	}
	switch d.Verb {
	case Upgrade:
		req.Mode = pipeline.ModeUpgrade
	case Repair:
		if pause, err := r.repairPause(ctx, rep, rep.At); err != nil {
			rep.Err, rep.Stage = err, pipeline.StagePlan
			return r.retryAfter(t.ID, err)
		} else if pause > 0 {
			return pause
		}
		req.Mode = pipeline.ModeRepair
	case Rollback:
		req.Mode, req.Target, req.HoldBy = pipeline.ModeRollback, d.Target, d.HoldBy
		req.Unread = rep.Err != nil
	case Confirm:
		return r.confirm(ctx, t.ID, rep)
	case Differ:
		return r.preview(ctx, req, rep)
	default:
		return d.After
	}
	if d.Verb == Upgrade {
		req.Former = formerInventory(former)
		r.attempting(rep)
	}
	r.log.Info(string(d.Verb), "release", t.ID.String(), "reason", d.Reason, "why", d.Why)
	again := r.execute(ctx, t, req, rep)
	if out := rep.Outcome; d.Verb == Upgrade && out.Err == nil && out.Record != nil && len(former) > 0 {
		if err := r.dropFormer(ctx, former); err != nil {
			rep.Err, rep.Stage = err, pipeline.StageRecord
			return r.retryAfter(t.ID, err)
		}
	}
	return again
}

// execute runs the line and, where the release asks for it, goes back when an upgrade failed.
func (r *Reconciler) execute(ctx context.Context, t *Turn, req pipeline.Request, rep *Report) time.Duration {
	out := r.line.Run(ctx, req)
	rep.Outcome, rep.Err, rep.Stage = &out, out.Err, out.Stage
	r.remember(rep.Ask.Release, out.Record)
	r.blame(t.ID, out.Verdict.Causes)
	if out.Record != nil {
		rep.Last = out.Record
	}
	if out.OK() || cutShort(&out) || ctx.Err() != nil {
		return 0
	}
	r.log.Warn("failed", "release", t.ID.String(), "stage", string(out.Stage), "error", cmp.Or(out.Err, errors.New(out.Verdict.Message)))
	if out.Err != nil {
		again := r.retryAfter(t.ID, out.Err)
		r.restAfter(t.ID, rep, &out, again)
		// What needs someone to act is not waited for where the release can go back meanwhile.
		if again > 0 && (transient(out.Err) || !goesBack(req, &out)) {
			return again
		}
	}
	if goesBack(req, &out) {
		return r.goBack(ctx, t, req, rep)
	}
	return 0
}

// goesBack reports whether a run that failed is undone: the release asks for it, the run came to
// something, and there is a revision to go back to, as there is none after a first install.
func goesBack(req pipeline.Request, out *pipeline.Outcome) bool {
	return req.Mode == pipeline.ModeUpgrade && req.Release.Policy.Rollback && out.Record != nil && lastGood(req.History) > 0
}

// goBack returns to the last revision that was healthy. The record of it is held against the
// inputs that failed, so that the same upgrade is not tried again until they change. One that does
// not get that far is made up for by the next turn: see failedUpgrade.
func (r *Reconciler) goBack(ctx context.Context, t *Turn, failed pipeline.Request, rep *Report) time.Duration {
	if err := failed.Writing(ctx); err != nil {
		return 0
	}
	req := failed
	req.Mode, req.Target, req.HoldBy = pipeline.ModeRollback, lastGood(failed.History), HoldByFailure
	req.History = append(req.History[:len(req.History):len(req.History)], *rep.Outcome.Record)
	out := r.line.Run(ctx, req)
	r.remember(rep.Ask.Release, out.Record)
	if out.Record != nil {
		rep.Last = out.Record
	}
	rep.Outcome.RolledBack = &out
	if out.Err != nil {
		again := r.retryAfter(t.ID, out.Err)
		r.restAfter(t.ID, rep, &out, again)
		return again
	}
	return time.Millisecond // the next turn tells that it is held, and why
}

// lastGood is the newest revision that was what it should be; 0 when there was none.
func lastGood(history []model.Record) (revision int) {
	for _, rec := range history {
		if rec.Status == model.RecordDeployed || rec.Status == model.RecordSuperseded {
			revision = rec.Revision
		}
	}
	return revision
}

// inputs fetches the artifact and digests what the release depends on. The source is watched
// first, so that no change between the two is missed; it is read anew when someone asked to look.
// A source that cannot be read now leaves the last good artifact to go on with, and is told.
func (r *Reconciler) inputs(ctx context.Context, rep *Report) {
	rel := rep.Ask.Release
	r.sources.Watch(rel.ID, rel.Source)
	look := r.sources.Resolve
	if rep.Ask.Sync.Requested || rep.Ask.Refresh != "" {
		look = r.sources.Refresh
	}
	rep.Stage = pipeline.StageSource
	seen, err := look(ctx, rel.Source)
	if err != nil {
		rep.Err = err
		return
	}
	rep.Stale = seen.Err
	if rep.Artifact, rep.Inputs, rep.Err = r.line.Inputs(ctx, rel); rep.Err != nil && model.KindOf(rep.Err) == model.ErrInvalid {
		rep.Stage = pipeline.StageRender
	}
}

// observe gathers what Decide looks at.
func (r *Reconciler) observe(ctx context.Context, rep *Report) (Observation, error) {
	a := &rep.Ask
	obs := Observation{
		Release: a.Release, Inputs: rep.Inputs, Last: rep.Last, Good: lastGood(a.History), Sync: a.Sync, Now: rep.At,
	}
	for i := range a.History {
		if a.History[i].Owner != "" {
			obs.Own = &a.History[i]
		}
	}
	if obs.Last == nil || obs.Last.Owner == "" {
		return obs, nil
	}
	var err error
	if err = r.settle(ctx, a.Release, a.History); err != nil {
		return obs, err
	}
	obs.Drift, obs.Health, err = r.drift(ctx, a.Release, obs.Last.Inventory)
	return obs, err
}

func newest(history []model.Record) *model.Record {
	if len(history) == 0 {
		return nil
	}
	return &history[len(history)-1]
}

// discard is a logger for those who give none.
func discard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
