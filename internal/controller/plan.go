package controller

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// Plan is what the next run of a release would do, field by field, were it to follow its source
// now. It reads the request itself and needs no reconciler to be running; it changes nothing.
func (r *Reconciler) Plan(ctx context.Context, id model.ReleaseID) (model.Plan, error) {
	if err := r.readRequest(ctx, id); err != nil {
		return model.Plan{}, err
	}
	if err := r.live.Ensure(ctx, alwaysWatched...); err != nil {
		return model.Plan{}, err
	}
	a, found := r.kinds[id.Kind].Read(ctx, id)
	if !found {
		return model.Plan{}, &model.Error{Kind: model.ErrNotFound, Reason: "ReleaseNotFound", Msg: fmt.Sprintf("there is no %s", id)}
	}
	if a.Err != nil {
		return model.Plan{}, fmt.Errorf("reading %s: %w", id, a.Err)
	}
	out := r.line.Preview(ctx, pipeline.Request{Release: a.Release, Mode: pipeline.ModeUpgrade, History: a.History})
	if out.Err != nil {
		return out.Plan, fmt.Errorf("planning %s: %w", id, out.Err)
	}
	if last := newest(a.History); last != nil && last.Status == model.RecordDeployed && last.Inputs == out.Inputs {
		out.Plan.Hooks = nil // what is repaired, or not touched at all, runs none
	}
	return r.line.Compare(ctx, a.Release, out.Plan)
}

// readRequest puts one request into its store, as the watch would. Roots are in the configuration.
func (r *Reconciler) readRequest(ctx context.Context, id model.ReleaseID) error {
	gvk, store := helmReleaseGVK, r.helmReleases.set
	switch id.Kind {
	case model.KindRoot:
		return nil
	case model.KindApplication:
		gvk, store = applicationGVK, r.applications.set
	}
	raw, err := r.kube.Get(ctx, gvk, id.Namespace, id.Name)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &u.Object); err != nil {
		return fmt.Errorf("reading %s: %w", id, err)
	}
	return store(u)
}

// alwaysWatched are kinds that matter whatever the releases consist of: records and named values,
// and the definitions that tell which kinds there are.
var alwaysWatched = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Secret"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Namespace"},
	{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
}
