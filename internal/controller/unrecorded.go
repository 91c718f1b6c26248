package controller

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// What a HelmRelease leaves that was deleted while its first rollout was under way: objects, but no
// record that says so. Their label does.

// chartKinds are what charts mostly consist of. They are watched beside what releases consist of once
// something is found that no request asks for and no record tells of.
var chartKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "PersistentVolumeClaim"},
	{Version: "v1", Kind: "ServiceAccount"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "apps", Version: "v1", Kind: "DaemonSet"},
	{Group: "batch", Version: "v1", Kind: "Job"},
	{Group: "batch", Version: "v1", Kind: "CronJob"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding"},
}

// unrecorded is what carries a request's label, was applied by us, and is in no record of ours; none
// when there is nothing. What another tool's record has as well is let go instead of deleted.
func (r *Reconciler) unrecorded(ctx context.Context, id model.ReleaseID) ([]departed, error) {
	label := id.Label()
	if owned, err := r.applied(label); err != nil || len(owned) == 0 {
		return nil, err
	}
	if err := r.watchChartKinds(ctx, id); err != nil {
		return nil, fmt.Errorf("watching what %s may have left: %w", id, err)
	}
	owned, err := r.applied(label)
	if err != nil || len(owned) == 0 {
		return nil, err
	}
	foreign, err := r.foreign(ctx, owned)
	if err != nil {
		return nil, err
	}
	rel := model.Release{ID: id, Name: id.Name, Namespace: id.Namespace}
	r.mu.Lock()
	if at, known := r.places[id]; known {
		rel.Name, rel.Namespace = at.name, at.namespace
	}
	r.mu.Unlock()
	return []departed{{release: rel, letGo: foreign}}, nil
}

// watchChartKinds starts, once, the watches that may be missing to see what a request left. A kind that
// may not be read is left out, since its watch would be refused for ever: nothing of it was applied,
// for a run watches what it is about to apply.
func (r *Reconciler) watchChartKinds(ctx context.Context, id model.ReleaseID) error {
	r.mu.Lock()
	done := r.searching
	r.mu.Unlock()
	if done {
		return nil
	}
	var may []schema.GroupVersionKind
	for _, gvk := range chartKinds {
		_, err := r.kube.GetMeta(ctx, gvk, id.Namespace, id.Name)
		ok, err := readable(err)
		if err != nil {
			return err
		}
		if ok {
			may = append(may, gvk)
		}
	}
	if err := r.live.Ensure(ctx, may...); err != nil {
		return err
	}
	r.mu.Lock()
	r.searching = true
	r.mu.Unlock()
	return nil
}

// readable says what the answer to a read tells of the right to it. Any other error is no answer.
func readable(err error) (bool, error) {
	switch reason := model.ReasonOf(err, ""); {
	case err == nil, model.KindOf(err) == model.ErrNotFound && reason != kube.ReasonUnknownKind:
		return true, nil
	case reason == kube.ReasonForbidden, reason == kube.ReasonUnknownKind:
		return false, nil
	}
	return false, err
}

// applied are the objects of a release, by their label, that we own fields of: controllers copy labels.
func (r *Reconciler) applied(label string) ([]model.ObjectKey, error) {
	seen, err := r.live.Observe(label, nil)
	if err != nil {
		return nil, err
	}
	var keys []model.ObjectKey
	for key, l := range seen {
		if l.Release == label && l.Fields != "" && !l.Gone && !l.Deleting {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// foreign are those of the objects that a Helm release consists of which another tool made: it was to
// be taken over, and its records still tell of it.
func (r *Reconciler) foreign(ctx context.Context, keys []model.ObjectKey) ([]model.ObjectKey, error) {
	stored, err := r.live.AllRecords()
	if err != nil {
		return nil, err
	}
	newest, ours := map[releaseName]*live.Stored{}, map[releaseName]bool{}
	for _, s := range stored {
		at := releaseName{s.Meta.Namespace, s.Release}
		ours[at] = ours[at] || s.Meta.Annotations[model.AnnotationOwner] != ""
		if newest[at] == nil || s.Revision > newest[at].Revision {
			newest[at] = s
		}
	}
	var out []model.ObjectKey
	for at, s := range newest {
		if ours[at] || s.Status == string(model.RecordUninstalled) {
			continue
		}
		inv, err := r.records.Owned(ctx, at.namespace, at.name, s.Revision)
		if model.KindOf(err) == model.ErrNotFound {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("reading what release %q consists of: %w", at.name, err)
		}
		for _, o := range inv {
			for _, key := range keys {
				here := o.Key.Namespace == key.Namespace || o.Key.Namespace == "" && (key.Namespace == at.namespace || key.Namespace == "")
				if here && o.Key.Group == key.Group && o.Key.Kind == key.Kind && o.Key.Name == key.Name {
					out = append(out, key)
				}
			}
		}
	}
	slices.SortFunc(out, model.ObjectKey.Compare)
	return slices.Compact(out), nil
}

// findUnrecorded asks, once for each, for a turn of the HelmReleases that objects carry the label of
// and that do not exist. It looks at what is watched anyway, and so costs no request while there are
// none. It is called when nothing was done for a while: by then the releases there are have begun
// the watches they need.
func (r *Reconciler) findUnrecorded() {
	if !r.helmReleases.Synced() {
		return
	}
	labels := r.live.Releases()
	known := map[string]bool{}
	for _, id := range r.helmReleases.IDs() {
		known[id.Label()] = true
	}
	for _, label := range labels {
		id, ok := orphan(label)
		if !ok || known[label] {
			continue
		}
		r.mu.Lock()
		asked := r.orphans[label]
		r.orphans[label] = true
		r.mu.Unlock()
		if !asked {
			r.Request(id)
		}
	}
}

// orphan reads the ID of a HelmRelease from its label. One that is cut cannot be read: it would name
// another release.
func orphan(label string) (model.ReleaseID, bool) {
	id, err := model.ParseReleaseID(model.ReleaseOf(label))
	ok := err == nil && id.Kind == model.KindHelmRelease && id.Namespace != "" && id.Name != "" && id.Label() == label
	return id, ok
}
