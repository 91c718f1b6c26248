package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/apply"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
	"github.com/fairlead-cd/fairlead/internal/record"
	"github.com/fairlead-cd/fairlead/internal/render"
)

// Line holds the stages. All of them are safe for use by many runs at once.
type Line struct {
	Source  source
	Render  renderer
	Cluster cluster
	Live    *live.Store
	Apply   *apply.Applier
	Health  *health.Waiter
	Records map[model.Kind]Recorder
	Now     func() time.Time

	preparer plan.Preparer
}

type source interface {
	// Fetch gives content on disk, and Open charts on disk, and manifests wherever they are.
	Fetch(context.Context, model.Ref) (model.Artifact, error)
	Open(context.Context, model.Ref) (model.Artifact, error)
}

type renderer interface {
	Inputs(model.Release, model.Artifact, model.Capabilities) (string, error)
	Render(context.Context, model.Release, model.Artifact, model.Capabilities, render.RenderOptions) (model.Rendered, error)
}

type cluster interface {
	Capabilities(context.Context) (model.Capabilities, error)
	Scope(context.Context, schema.GroupVersionKind) (namespaced bool, err error)
	GetMeta(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) (*metav1.ObjectMeta, error)
}

// Recorder keeps the history of the releases of one kind.
type Recorder interface {
	// Write adds a revision to the history and returns it as it was written.
	Write(ctx context.Context, e record.Entry, history []model.Record) (model.Record, error)
	// Amend writes another inventory into the newest revision.
	Amend(ctx context.Context, rel model.Release, rec model.Record) error
	// Recorded gives back what a revision consisted of, to return to it.
	Recorded(ctx context.Context, rel model.Release, rec model.Record) (Desired, error)
	// Owned is the inventory of a revision that was written without one, by another tool.
	Owned(ctx context.Context, rel model.Release, rec model.Record) (model.Inventory, error)
	// Hooks gives back the hooks of a revision: those of an uninstall are the newest's.
	Hooks(ctx context.Context, rel model.Release, rec model.Record) ([]model.Object, error)
	// Delete removes the history of a release that is gone.
	Delete(ctx context.Context, rel model.Release) error
}

// Desired is what a release shall consist of.
type Desired struct {
	Artifact model.Artifact
	Inputs   string
	Rendered model.Rendered
}

// Run carries one request along the line. Whatever happens, the outcome says how far it came.
func (l *Line) Run(ctx context.Context, req Request) (out Outcome) {
	out = Outcome{Request: req, Started: l.Now()}
	defer func() { out.Ended = l.Now() }()

	desired, stage, err := l.desired(ctx, &out)
	if err != nil {
		return out.failed(stage, err)
	}
	if err := l.fits(req, desired); err != nil {
		return out.failed(StageRender, err)
	}
	if out.owned, err = l.inventory(ctx, req); err != nil {
		return out.failed(StagePlan, err)
	}
	prepared, err := l.prepare(ctx, req, desired.Rendered.Objects, out.owned)
	if err == nil {
		out.Plan, err = l.planned(ctx, req, out.owned, prepared)
	}
	if err != nil {
		return out.failed(StagePlan, err)
	}
	out.Plan = spare(req, out.Plan)
	out.Notes, out.Plan.Hooks = desired.Rendered.Notes, hookRuns(req, desired.Rendered.Hooks)
	done := l.Live.Hold(req.Release.ID.Label())
	defer done()
	if err = l.change(ctx, &out, prepared, desired.Rendered.Hooks); err != nil {
		out.failed(StageApply, err)
	}
	if req.Recording != nil {
		req.Recording()
	}
	if err = l.record(ctx, &out, desired); err != nil && out.Err == nil {
		out.failed(StageRecord, err)
	}
	return out
}

// change is apply and health, between the hooks that a chart may want run before and after. Where a
// hook fails, the verdict is the hook's: it holds the cause.
func (l *Line) change(ctx context.Context, out *Outcome, prepared, hooks []model.Object) (err error) {
	req := out.Request
	if out.Verdict, err = l.hooks(ctx, req, "pre", hooks); err != nil {
		return err
	}
	if req.Applying != nil {
		if err := req.Applying(ctx, out.Plan); err != nil {
			return err
		}
	}
	if out.Results, err = l.execute(ctx, req, out.Plan); err != nil {
		return err
	}
	out.Verdict = model.Verdict{Status: model.Healthy}
	switch {
	case req.Mode != ModeUninstall:
		if l.settle(ctx, out, prepared); out.Verdict.Status != model.Healthy {
			return nil
		}
	case req.Gone:
		if err := l.gone(ctx, req, deleted(out.Results)); err != nil {
			return err
		}
	}
	if v, err := l.hooks(ctx, req, "post", hooks); err != nil {
		out.Verdict = v
		return err
	}
	return nil
}

// Preview is Run up to the plan: nothing is written.
func (l *Line) Preview(ctx context.Context, req Request) Outcome {
	out := Outcome{Request: req, Started: l.Now()}
	desired, stage, err := l.desired(ctx, &out)
	if err == nil {
		err = l.fits(req, desired)
	}
	if err == nil {
		stage = StagePlan
		out.owned, err = l.inventory(ctx, req)
	}
	if err == nil {
		out.Plan, err = l.plan(ctx, req, out.owned, desired.Rendered.Objects)
		out.Plan = spare(req, out.Plan)
		out.Plan.Hooks = hookRuns(req, desired.Rendered.Hooks)
	}
	out.Stage, out.Err, out.Ended = stage, err, l.Now()
	return out
}

// Compare fills in what a plan would change, field by field, by dry runs on the API server. It
// writes nothing.
func (l *Line) Compare(ctx context.Context, rel model.Release, p model.Plan) (model.Plan, error) {
	applier, err := l.Apply.As(rel.ServiceAccount)
	if err != nil {
		return p, err
	}
	compared, err := applier.Preview(ctx, p, plan.Diff)
	compared.Hooks = p.Hooks
	return compared, err
}

// Inputs fetches the release's artifact and digests all it depends on, without rendering. Both
// are cheap when nothing changed.
func (l *Line) Inputs(ctx context.Context, rel model.Release) (model.Artifact, string, error) {
	read := l.Source.Open
	if rel.Renderer == model.RenderHelm {
		read = l.Source.Fetch
	}
	artifact, err := read(ctx, rel.Source)
	if err != nil {
		return artifact, "", err
	}
	caps, err := l.Cluster.Capabilities(ctx)
	if err != nil {
		return artifact, "", fmt.Errorf("reading what the cluster offers: %w", err)
	}
	inputs, err := l.Render.Inputs(rel, artifact, caps)
	return artifact, inputs, err
}

// Desired fetches and renders a release as its source says now.
func (l *Line) Desired(ctx context.Context, rel model.Release) (Desired, error) {
	d, _, err := l.desired(ctx, &Outcome{Request: Request{Release: rel, Mode: ModeUpgrade}})
	return d, err
}

// desired is source and render, or what a recorded revision consisted of.
func (l *Line) desired(ctx context.Context, out *Outcome) (d Desired, at Stage, err error) {
	req := out.Request
	if req.Mode == ModeUninstall {
		return l.ending(ctx, req)
	}
	d.Artifact, d.Inputs, err = l.Inputs(ctx, req.Release)
	out.Artifact, out.Inputs = d.Artifact, d.Inputs
	if req.Mode == ModeRollback || (req.Mode == ModeRepair && req.Last() != nil && (req.Last().HoldBy != "" || req.Last().Unapplied())) {
		// The inputs are those that are being left: the record must know them to hold against
		// them. A source that cannot be read now is no reason to stay on a broken revision; the
		// inputs are then those of the newest record.
		inputs := d.Inputs
		if (err != nil || req.Unread) && req.Last() != nil {
			inputs = req.Last().Inputs
		}
		d, err = l.recorded(ctx, req)
		d.Inputs, out.Inputs, out.Chart = inputs, inputs, d.Rendered.Chart
		return d, StageRender, err
	}
	if err != nil {
		return d, StageSource, err
	}
	caps, err := l.Cluster.Capabilities(ctx)
	if err != nil {
		return d, StageRender, fmt.Errorf("reading what the cluster offers: %w", err)
	}
	opts := render.RenderOptions{Revision: 1}
	if last := req.Last(); last != nil {
		opts = render.RenderOptions{IsUpgrade: !req.Installing(), Revision: last.Revision + 1}
	}
	d.Rendered, err = l.Render.Render(ctx, req.Release, d.Artifact, caps, opts)
	out.Chart = d.Rendered.Chart
	return d, StageRender, err
}

// ending is what a release shall consist of when it is removed: nothing but its hooks.
func (l *Line) ending(ctx context.Context, req Request) (d Desired, at Stage, err error) {
	if last := req.Last(); last != nil && last.Status != model.RecordUninstalled {
		d.Rendered.Hooks, err = l.Records[req.Release.ID.Kind].Hooks(ctx, req.Release, *last)
	}
	return d, StageRender, err
}

// recorded finds the revision to go back to, or to stay at, in the history.
func (l *Line) recorded(ctx context.Context, req Request) (Desired, error) {
	target := req.Target
	if applied := req.Applied(); req.Mode == ModeRepair && applied != nil {
		target = applied.Revision // what lives is of it
	}
	for _, rec := range req.History {
		if rec.Revision == target {
			return l.Records[req.Release.ID.Kind].Recorded(ctx, req.Release, rec)
		}
	}
	return Desired{}, &model.Error{
		Kind: model.ErrNotFound, Reason: "RevisionNotFound",
		Msg:  fmt.Sprintf("there is no revision %d of release %q", target, req.Release.Name),
		Next: "fairlead history " + req.Release.ID.Name,
	}
}

// plan is planned for objects as they were rendered.
func (l *Line) plan(ctx context.Context, req Request, inventory model.Inventory, desired []model.Object) (model.Plan, error) {
	prepared, err := l.prepare(ctx, req, desired, inventory)
	if err != nil {
		return model.Plan{}, err
	}
	return l.planned(ctx, req, inventory, prepared)
}

// prepare makes rendered objects ready to be compared and applied; those of a repair are the recorded
// ones.
func (l *Line) prepare(ctx context.Context, req Request, desired []model.Object, inventory model.Inventory) ([]model.Object, error) {
	prepared, err := l.preparer.Prepare(req.Release, desired, l.scope(ctx))
	if err != nil || req.Mode != ModeRepair {
		return prepared, err
	}
	return l.asRecorded(ctx, req, prepared, inventory)
}

// planned compares desired and live, and inventory, which is what the newest record says. The watches on
// all kinds involved run before it looks, so that what it does not see does not exist.
func (l *Line) planned(ctx context.Context, req Request, inventory model.Inventory, prepared []model.Object) (model.Plan, error) {
	rel := req.Release
	inventory = slices.Concat(req.Former, inventory) // the record's own word is the later one
	l.Live.Recall(rel.ID.Label(), inventory)
	observed, err := l.observe(ctx, rel, prepared, inventory)
	if err != nil {
		return model.Plan{}, err
	}
	if req.Mode == ModeUninstall {
		return keepDefinitions(req.Mode, inventory, plan.Uninstall(rel, inventory, observed)), nil
	}
	p, err := plan.Make(plan.Input{
		Release: rel, Desired: prepared, Live: observed, Inventory: inventory,
		Prune: rel.Policy.Prune && req.Mode != ModeRepair, Repair: req.Mode == ModeRepair,
	})
	return keepDefinitions(req.Mode, inventory, p), err
}

func (l *Line) scope(ctx context.Context) plan.Scope {
	return func(group, version, kind string) (bool, error) {
		return l.Cluster.Scope(ctx, schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	}
}

// observe watches every kind that the plan touches and takes what the watches told.
func (l *Line) observe(ctx context.Context, rel model.Release, prepared []model.Object, inv model.Inventory) (map[model.ObjectKey]model.Live, error) {
	if err := l.Live.EnsureIn(ctx, places(prepared, inv, rel.CreateNamespace)...); err != nil {
		return nil, fmt.Errorf("watching the objects of %s: %w", rel.ID, err)
	}
	observed, err := l.Live.Observe(rel.ID.Label(), plan.Keys(rel, prepared, inv))
	if err != nil {
		return nil, fmt.Errorf("looking at the objects of %s: %w", rel.ID, err)
	}
	return observed, nil
}

// places are the kinds to watch and where, each once. One that a CRD among the objects is about to
// define cannot be watched yet: nothing of it can exist either.
func places(prepared []model.Object, inv model.Inventory, namespace bool) []live.Place {
	type where struct{ group, kind, namespace string }
	seen := map[where]live.Place{}
	add := func(key model.ObjectKey, version string) {
		at := where{key.Group, key.Kind, key.Namespace}
		if _, ok := seen[at]; !ok {
			gvk := schema.GroupVersionKind{Group: key.Group, Version: version, Kind: key.Kind}
			seen[at] = live.Place{Kind: gvk, Namespace: key.Namespace}
		}
	}
	if namespace {
		add(model.ObjectKey{Kind: "Namespace"}, "v1")
	}
	for i := range prepared {
		add(prepared[i].Key, prepared[i].Version)
	}
	for i := range inv {
		add(inv[i].Key, inv[i].Version)
	}
	return slices.Collect(maps.Values(seen))
}

// inventory is what the newest record says the release owns.
func (l *Line) inventory(ctx context.Context, req Request) (model.Inventory, error) {
	last := req.Last()
	if last == nil || last.Status == model.RecordUninstalled {
		return nil, nil
	}
	if last.Inventory != nil {
		return last.Inventory, nil
	}
	return l.Owned(ctx, req.Release, *last)
}

// Owned is what a revision consisted of that was recorded without its inventory.
func (l *Line) Owned(ctx context.Context, rel model.Release, rec model.Record) (model.Inventory, error) {
	inv, err := l.Records[rel.ID.Kind].Owned(ctx, rel, rec)
	if err != nil {
		return nil, fmt.Errorf("reading what revision %d of release %q consists of: %w", rec.Revision, rel.Name, err)
	}
	return l.located(ctx, rel, inv)
}

// located says of what another tool recorded where it is: its manifests leave the namespace of the
// release out. A kind that the cluster does not know any more has no objects.
func (l *Line) located(ctx context.Context, rel model.Release, inv model.Inventory) (model.Inventory, error) {
	inv = slices.Clone(inv)
	for i := range inv {
		o := &inv[i]
		if isDefinition(o.Key) && o.Digest == "" {
			o.Stays = model.StaysNever // those of crds/ are in no manifest
		}
		if o.Key.Namespace != "" || o.Digest != "" {
			continue
		}
		gvk := schema.GroupVersionKind{Group: o.Key.Group, Version: o.Version, Kind: o.Key.Kind}
		namespaced, err := l.Cluster.Scope(ctx, gvk)
		switch {
		case err != nil && model.ReasonOf(err, "") != kube.ReasonUnknownKind:
			return nil, fmt.Errorf("finding out where %s is: %w", o.Key.Short(), err)
		case err == nil && namespaced:
			o.Key.Namespace = rel.Namespace
		}
	}
	return inv, nil
}

// execute applies the plan and tells the live store what came of it. Drift that shows meanwhile is
// held back: our own writes are none.
func (l *Line) execute(ctx context.Context, req Request, p model.Plan) ([]model.Result, error) {
	applier, err := l.Apply.As(req.Release.ServiceAccount)
	if err != nil {
		return nil, err
	}
	label := p.Release.Label()
	return applier.Execute(ctx, p, func(r model.Result) {
		l.Live.Applied(label, r)
		if req.Progress != nil {
			req.Progress(progressOf(r))
		}
	})
}
