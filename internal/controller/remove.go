package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// remove uninstalls a release whose request is gone.
func (r *Reconciler) remove(ctx context.Context, t *Turn, k kind) time.Duration {
	r.sources.Unwatch(t.ID)
	gone, err := k.Gone(ctx, t.ID)
	if err != nil {
		r.log.Error("finding out whether to uninstall", "release", t.ID.String(), "error", err)
		return r.backoff(t.ID)
	}
	if wait := r.removals.wait(t.ID, r.now()); wait > 0 && len(gone) > 0 {
		return wait // each attempt runs the hooks
	}
	for _, d := range gone {
		r.log.Info("uninstall", "release", t.ID.String(), "name", d.release.Namespace+"/"+d.release.Name)
		req := t.uninstall(d.release, d.history)
		req.LetGo = d.letGo
		req.Applying = func(ctx context.Context, _ model.Plan) error { return stillGone(ctx, k, d.release) }
		out := r.line.Run(ctx, req)
		if superseded(out.Err) {
			return 0 // it is asked for again, and that asked for a turn
		}
		if out.Err != nil {
			next := ""
			if len(d.history) > 0 {
				next = fmt.Sprintf("to remove it without its hooks: helm uninstall %s -n %s --no-hooks", d.release.Name, d.release.Namespace)
			}
			return r.notRemoved(ctx, t.ID, out.Err, next)
		}
		r.vacate(d)
	}
	r.forget(t.ID)
	return 0
}

// uninstall is the request that removes a release. Its hooks keep no other release from its turn.
func (t *Turn) uninstall(rel model.Release, history []model.Record) pipeline.Request {
	return pipeline.Request{
		Release: rel, Mode: pipeline.ModeUninstall, History: history, Pausing: func(string) { t.Pausing() }, Writing: t.Writing,
	}
}

// stillGone asks again whether a release is to be removed: while its hooks ran, someone may have made
// its request anew.
func stillGone(ctx context.Context, k kind, rel model.Release) error {
	gone, err := k.Gone(ctx, rel.ID)
	if err != nil {
		return fmt.Errorf("finding out whether to uninstall: %w", err)
	}
	if !slices.ContainsFunc(gone, func(d departed) bool {
		return d.release.Namespace == rel.Namespace && d.release.Name == rel.Name
	}) {
		return health.ErrSuperseded
	}
	return nil
}

// notRemoved tells why a release could not be removed, once for each cause, and how long it is left
// alone then, whatever events come.
func (r *Reconciler) notRemoved(ctx context.Context, id model.ReleaseID, err error, next string) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	again := r.removals.next(id)
	r.removals.rest(id, r.now().Add(again))
	r.log.Error("uninstalling", "release", id.String(), "error", err, "again", again.String())
	text := err.Error()
	if r.events == nil || r.lastTold(id, text) == text {
		return again
	}
	ref := r.reference(id)
	if ref == nil { // the request is gone; its namespace keeps the event
		ref = &corev1.ObjectReference{Kind: string(id.Kind), Namespace: id.Namespace, Name: id.Name}
		if id.Kind == model.KindHelmRelease {
			ref.APIVersion = helmReleaseGVK.GroupVersion().String()
		}
	}
	if next != "" {
		text += "; " + next
	}
	r.events.Event(ref, corev1.EventTypeWarning, "UninstallFailed", cut(text))
	return again
}

// finish removes what an Application that is being deleted deployed, where its finalizer asks for
// that, and lets it go.
func (r *Reconciler) finish(ctx context.Context, t *Turn, a ask) time.Duration {
	req, found := r.applications.Get(t.ID)
	if !found || !slices.Contains(req.Object.Finalizers, argo.Finalizer) {
		return 0
	}
	if wait := r.removals.wait(t.ID, r.now()); wait > 0 {
		return wait
	}
	if a.historyErr != nil {
		return r.notRemoved(ctx, t.ID, a.historyErr, "") // what it consists of is not known: nothing is let go
	}
	out := r.line.Run(ctx, t.uninstall(a.Release, a.History))
	if out.Err != nil {
		return r.notRemoved(ctx, t.ID, out.Err, "")
	}
	left := slices.DeleteFunc(slices.Clone(req.Object.Finalizers), func(f string) bool { return f == argo.Finalizer })
	patch, err := mergePatch(
		map[string]any{"metadata": map[string]any{"finalizers": req.Object.Finalizers}},
		map[string]any{"metadata": map[string]any{"finalizers": left}})
	if err == nil {
		meta := req.Object.ObjectMeta
		err = r.patch(ctx, applicationGVK, t.ID, "", patch, &meta)
	}
	if err != nil {
		r.log.Error("letting go of a deleted Application", "release", t.ID.String(), "error", err)
		return r.backoff(t.ID)
	}
	return 0
}
