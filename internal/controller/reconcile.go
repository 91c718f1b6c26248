package controller

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
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
	Refresh     bool   // asked to look again, without changing anything
	By          string // who asked; empty when nobody did
	deleting    bool   // the request is being deleted
}

// kind is one kind of request: how it is read and how what came of it is written.
type kind interface {
	// Read gives the request; found is false when there is none.
	Read(ctx context.Context, id model.ReleaseID) (a ask, found bool)
	// Write puts the report into the request's status, in one request to the API server, or none
	// when nothing changed.
	Write(ctx context.Context, id model.ReleaseID, rep Report) error
	// Gone says what to do when the request is gone: which release to remove, if any.
	Gone(ctx context.Context, id model.ReleaseID) (rel model.Release, history []model.Record, remove bool, err error)
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
	Stale    error // why the source could not be read; Artifact is then the last good one
	Running  bool  // the rollout is still under way: an interim report
	At       time.Time
}

// turn does one run of a release: observe, decide, act, write.
func (r *Reconciler) turn(ctx context.Context, t *Turn) time.Duration {
	k := r.kinds[t.ID.Kind]
	a, found := k.Read(ctx, t.ID)
	if !found {
		return r.remove(ctx, t, k)
	}
	if a.deleting {
		return r.finish(ctx, t, a)
	}
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
	if rep.Outcome != nil && superseded(context.Cause(ctx)) || ctx.Err() != nil {
		return 0
	}
	if rep.Err == nil && rep.Stale != nil {
		rep.Err, rep.Stage = rep.Stale, pipeline.StageSource
	}
	t.Looking()
	r.look(&rep)
	r.metrics.count(t.ID.Kind, &rep)
	r.tell(t.ID, &rep)
	if err := k.Write(ctx, t.ID, rep); err != nil {
		r.log.Error("writing status", "release", t.ID.String(), "error", err)
		return max(again, r.backoff(t.ID))
	}
	return again
}

// canGoBack: a rollback needs neither the source nor the values as they are now.
func canGoBack(a ask) bool {
	last := newest(a.History)
	return a.Release.Hold != nil && last != nil && last.HoldTime != a.Release.Hold.Time
}

// act decides and carries the decision out.
func (r *Reconciler) act(ctx context.Context, t *Turn, k kind, rep *Report) time.Duration {
	obs, err := r.observe(ctx, rep)
	if err != nil {
		rep.Err, rep.Stage = err, pipeline.StagePlan
		return r.retryAfter(t.ID, err)
	}
	rep.Drift = obs.Drift
	d := Decide(obs)
	rep.Decision = d
	req := pipeline.Request{Release: rep.Ask.Release, Reason: d.Why, History: rep.Ask.History, Since: rep.At}
	req.Waiting = func(ctx context.Context) context.Context {
		ctx = t.Waiting(ctx)
		r.reportLater(ctx, k, t.ID, *rep)
		return ctx
	}
	switch d.Verb {
	case Upgrade:
		req.Mode = pipeline.ModeUpgrade
	case Repair:
		if wait := r.repairs.wait(t.ID, rep.At); wait > 0 {
			return wait
		}
		if ahead, err := r.overtaken(ctx, rep.Ask.Release, rep.Last); err != nil {
			rep.Err, rep.Stage = err, pipeline.StagePlan
			return r.retryAfter(t.ID, err)
		} else if ahead {
			return recordDelay
		}
		req.Mode = pipeline.ModeRepair
	case Rollback:
		req.Mode, req.Target, req.HoldBy = pipeline.ModeRollback, rep.Ask.Release.Hold.Revision, rep.Ask.Release.Hold.By
	case Confirm:
		return r.confirm(ctx, t.ID, rep)
	case Differ:
		return r.preview(ctx, req, rep)
	default:
		return d.After
	}
	r.log.Info(string(d.Verb), "release", t.ID.String(), "reason", d.Reason, "why", d.Why)
	return r.execute(ctx, t, req, rep)
}

// execute runs the line and, where the release asks for it, goes back when an upgrade failed.
func (r *Reconciler) execute(ctx context.Context, t *Turn, req pipeline.Request, rep *Report) time.Duration {
	out := r.line.Run(ctx, req)
	rep.Outcome, rep.Err, rep.Stage = &out, out.Err, out.Stage
	r.remember(t.ID, out.Record)
	r.blame(t.ID, out.Verdict.Causes)
	if out.Record != nil {
		rep.Last = out.Record
	}
	if out.Verdict.Reason == pipeline.ReasonSuperseded {
		return 0
	}
	if out.OK() {
		r.retries.forget(t.ID)
		return 0
	}
	if ctx.Err() == nil && !superseded(out.Err) {
		r.log.Warn("failed", "release", t.ID.String(), "stage", string(out.Stage), "error", cmp.Or(out.Err, errors.New(out.Verdict.Message)))
	}
	if out.Err != nil {
		if again := r.retryAfter(t.ID, out.Err); again > 0 {
			return again
		}
	}
	if req.Mode == pipeline.ModeUpgrade && req.Release.Policy.Rollback && out.Record != nil {
		return r.goBack(ctx, t, req, rep)
	}
	return 0
}

// goBack returns to the last revision that was healthy. The record of it is held against the
// inputs that failed, so that the same upgrade is not tried again until they change.
func (r *Reconciler) goBack(ctx context.Context, t *Turn, failed pipeline.Request, rep *Report) time.Duration {
	target := 0
	for _, rec := range failed.History {
		if rec.Status == model.RecordDeployed || rec.Status == model.RecordSuperseded {
			target = rec.Revision
		}
	}
	if target == 0 {
		return 0 // the first install failed: there is nothing to go back to
	}
	if err := t.Writing(ctx); err != nil {
		return 0
	}
	req := failed
	req.Mode, req.Target, req.HoldBy = pipeline.ModeRollback, target, HoldByFailure
	req.History = append(req.History[:len(req.History):len(req.History)], *rep.Outcome.Record)
	failure := rep.Outcome
	out := r.line.Run(ctx, req)
	r.remember(t.ID, out.Record)
	if out.Record != nil {
		rep.Last = out.Record
	}
	rep.Outcome = failure
	rep.Outcome.RolledBack = &out
	return 0
}

// remove uninstalls a release whose request is gone.
func (r *Reconciler) remove(ctx context.Context, t *Turn, k kind) time.Duration {
	r.sources.Unwatch(t.ID)
	r.named.Begin(t.ID)
	rel, history, remove, err := k.Gone(ctx, t.ID)
	if err != nil {
		r.log.Error("finding out whether to uninstall", "release", t.ID.String(), "error", err)
		return r.backoff(t.ID)
	}
	if remove {
		r.log.Info("uninstall", "release", t.ID.String())
		out := r.line.Run(ctx, pipeline.Request{Release: rel, Mode: pipeline.ModeUninstall, History: history})
		if out.Err != nil {
			r.log.Error("uninstalling", "release", t.ID.String(), "error", out.Err)
			return r.backoff(t.ID)
		}
	}
	r.retries.forget(t.ID)
	r.forget(t.ID)
	return 0
}

// finish removes what an Application that is being deleted deployed, where its finalizer asks for
// that, and lets it go.
func (r *Reconciler) finish(ctx context.Context, t *Turn, a ask) time.Duration {
	req, found := r.applications.Get(t.ID)
	if !found || !slices.Contains(req.Object.Finalizers, argo.Finalizer) {
		return 0
	}
	out := r.line.Run(ctx, pipeline.Request{Release: a.Release, Mode: pipeline.ModeUninstall, History: a.History})
	if out.Err != nil {
		r.log.Error("uninstalling", "release", t.ID.String(), "error", out.Err)
		return r.backoff(t.ID)
	}
	left := slices.DeleteFunc(slices.Clone(req.Object.Finalizers), func(f string) bool { return f == argo.Finalizer })
	patch, err := mergePatch(
		map[string]any{"metadata": map[string]any{"finalizers": req.Object.Finalizers}},
		map[string]any{"metadata": map[string]any{"finalizers": left}})
	if err == nil {
		err = r.patch(ctx, applicationGVK, t.ID, "", patch, &metav1.ObjectMeta{})
	}
	if err != nil {
		r.log.Error("letting go of a deleted Application", "release", t.ID.String(), "error", err)
		return r.backoff(t.ID)
	}
	return 0
}

// inputs fetches the artifact and digests what the release depends on. The source is watched
// first, so that no change between the two is missed; it is read anew when someone asked to look.
// A source that cannot be read now leaves the last good artifact to go on with, and is told.
func (r *Reconciler) inputs(ctx context.Context, rep *Report) {
	rel := rep.Ask.Release
	r.sources.Watch(rel.ID, rel.Source)
	look := r.sources.Resolve
	if rep.Ask.Sync.Requested || rep.Ask.Refresh {
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
	obs := Observation{Release: a.Release, Inputs: rep.Inputs, Last: rep.Last, Sync: a.Sync, Now: rep.At}
	for i := range a.History {
		if a.History[i].Owner != "" {
			obs.Own = &a.History[i]
		}
	}
	if obs.Last == nil || obs.Last.Owner == "" {
		return obs, nil
	}
	var err error
	obs.Drift, obs.Health, err = r.drift(ctx, a.Release, obs.Last.Inventory)
	return obs, err
}

// reportLater writes an interim status when a rollout takes longer than people like to wait
// without a word.
func (r *Reconciler) reportLater(ctx context.Context, k kind, id model.ReleaseID, rep Report) {
	rep.Running = true
	timer := time.AfterFunc(interimAfter, func() {
		if ctx.Err() != nil {
			return
		}
		rep.At = r.now()
		r.look(&rep)
		if err := k.Write(ctx, id, rep); err != nil && ctx.Err() == nil {
			r.log.Warn("writing interim status", "release", id.String(), "error", err)
		}
	})
	context.AfterFunc(ctx, func() { timer.Stop() })
}

const interimAfter = time.Second

func newest(history []model.Record) *model.Record {
	if len(history) == 0 {
		return nil
	}
	return &history[len(history)-1]
}

// transient reports whether trying again may help without anyone changing anything.
func transient(err error) bool {
	kind := model.KindOf(err)
	return kind == model.ErrTransient || kind == "" && !errors.Is(err, context.Canceled) || errors.Is(err, health.ErrSuperseded)
}

// retries spaces attempts out: 2 s, 4 s, ... 5 min. Nothing is tried again without a reason to
// hope; what needs someone to act waits for the event of their acting.
type retries struct {
	mu    sync.Mutex
	count map[model.ReleaseID]int
}

func (b *retries) next(id model.ReleaseID) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count == nil {
		b.count = map[model.ReleaseID]int{}
	}
	n := b.count[id]
	b.count[id]++
	return min(2*time.Second<<min(n, 10), 5*time.Minute)
}

func (b *retries) forget(id model.ReleaseID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.count, id)
}

// deniedPause is how long it takes at most until granted rights are noticed.
const deniedPause = 2 * time.Minute

func (r *Reconciler) backoff(id model.ReleaseID) time.Duration { return r.retries.next(id) }

func (r *Reconciler) retryAfter(id model.ReleaseID, err error) time.Duration {
	switch {
	case errors.Is(err, context.Canceled) || superseded(err):
		return 0
	case model.KindOf(err) == model.ErrDenied:
		return deniedPause // rights that are granted raise no event
	case transient(err):
		return r.backoff(id)
	case inTheWay(err):
		return min(r.backoff(id), deniedPause)
	}
	return 0
}

// inTheWay reports whether another release may take away what stands in the way, or bring what is
// missing: no event tells when it did.
func inTheWay(err error) bool {
	switch model.ReasonOf(err, "") {
	case kube.ReasonUnknownKind, kube.ReasonNamespaceNotFound:
		return true
	}
	return model.KindOf(err) == model.ErrConflict
}

// repairs keeps two controllers that want different things from fighting at full speed: the
// first repairs of a release are immediate, those that follow soon after wait longer and longer.
type repairs struct {
	mu   sync.Mutex
	seen map[model.ReleaseID]*fight
}

type fight struct {
	rounds int
	last   time.Time
}

const (
	freeRounds = 5
	peaceAfter = time.Minute
)

func (p *repairs) wait(id model.ReleaseID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[model.ReleaseID]*fight{}
	}
	f := p.seen[id]
	if f == nil || now.Sub(f.last) > peaceAfter {
		f = &fight{}
		p.seen[id] = f
	}
	if f.rounds >= freeRounds {
		pause := min(time.Second<<min(f.rounds-freeRounds, 6), peaceAfter/2)
		if rest := f.last.Add(pause).Sub(now); rest > 0 {
			return rest
		}
	}
	f.rounds++
	f.last = now
	return 0
}

// discard is a logger for those who give none.
func discard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
