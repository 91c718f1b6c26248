package apply

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

const (
	anyOperation = metav1.ManagedFieldsOperationType("")
	takeOverName = "fairlead-takeover" // manager of the request that rewrites managed fields
)

// deployers are the field managers of tools that deploy whole objects, as they appear in
// metadata.managedFields. What people and autoscalers write (kubectl-edit, kubectl-rollout,
// kube-controller-manager, ...) is not taken over.
var deployers = map[string]metav1.ManagedFieldsOperationType{
	"helm":                          anyOperation,
	"Helm":                          anyOperation,
	"helm-controller":               anyOperation, // Flux v2
	"helm-operator":                 anyOperation, // Flux v1
	"kustomize-controller":          anyOperation,
	"flux-client-side-apply":        anyOperation,
	"fluxd":                         anyOperation,
	"argocd-controller":             anyOperation,
	"argocd-application-controller": anyOperation,
	"kubectl-client-side-apply":     anyOperation,
	"kubectl-create":                anyOperation,
	"kubectl":                       metav1.ManagedFieldsOperationApply, // as Update it is kubectl scale and the like
	"before-first-apply":            anyOperation,                       // the server's name for whoever wrote before
}

// unchangeable are kinds whose spec is filled in by the server when they are created and cannot
// lose a field after that. Their old owners are dropped, but what they owned is not removed.
var unchangeable = map[string]bool{
	"PersistentVolumeClaim": true, "PersistentVolume": true, "Pod": true, "Job": true, "StorageClass": true,
}

// takeOver makes us the owner of what another deployment tool owned, once, when an object comes to
// us. Without it a field that the chart drops later would stay, kept alive by a tool that is gone.
//
// The first apply already made us owner of everything desired. Here the tool's entries are merged
// into ours, guarded by the resourceVersion of the answer to that apply; a second apply of the same
// body then removes what is ours and not desired. Fields that the tool got by defaulting come back
// by defaulting with the same values, so that no pod is restarted.
//
// The idea and its caveats: k8s.io/client-go/util/csaupgrade.
func (a *Applier) takeOver(ctx context.Context, gvk schema.GroupVersionKind, c model.Change, m *metav1.ObjectMeta) (*metav1.ObjectMeta, error) {
	for range attempts {
		entries, more, err := merged(m.ManagedFields, !unchangeable[c.Key.Kind])
		if err != nil || entries == nil {
			return m, err
		}
		owned, err := a.rewrite(ctx, gvk, c, m.ResourceVersion, entries)
		if model.ReasonOf(err, "") == kube.ReasonChanged {
			// Someone wrote in between, most likely the kind's own controller: look again.
			if m, err = a.send(ctx, gvk, c); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return m, err
		}
		if !more {
			return owned, nil
		}
		after, err := a.send(ctx, gvk, c)
		if model.KindOf(err) == model.ErrInvalid {
			// A field that cannot be removed: leave it, owned by nobody.
			return a.rewrite(ctx, gvk, c, owned.ResourceVersion, withOurs(entries, m.ManagedFields))
		}
		return after, err
	}
	return m, nil
}

// rewrite replaces the managed fields of an object.
func (a *Applier) rewrite(ctx context.Context, gvk schema.GroupVersionKind, c model.Change, rv string, entries []metav1.ManagedFieldsEntry) (*metav1.ObjectMeta, error) {
	// "replace" of the resourceVersion makes a stale one a conflict; "test" would make it invalid.
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": entries},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": rv},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding managed fields: %w", err)
	}
	var m *metav1.ObjectMeta
	err = a.attempt(ctx, func(ctx context.Context) error {
		m, err = a.client.Patch(ctx, gvk, c.Key.Namespace, c.Key.Name, "", types.JSONPatchType, patch, takeOverName)
		return err
	})
	return m, err
}

// merged is the managed fields without the entries of deployers; with union set, what these owned
// is added to ours. more reports whether that gave us fields we did not own. A nil result means
// that there is nothing to take over.
func merged(entries []metav1.ManagedFieldsEntry, union bool) (out []metav1.ManagedFieldsEntry, more bool, err error) {
	ours := -1
	for _, e := range entries {
		if !deployed(e) {
			if isOurs(e) {
				ours = len(out)
			}
			out = append(out, e)
		}
	}
	if len(out) == len(entries) || ours < 0 {
		return nil, false, nil
	}
	set, err := decodeSet(out[ours])
	if err != nil {
		return nil, false, err
	}
	all := set
	for _, e := range entries {
		if !union || !deployed(e) || e.APIVersion != out[ours].APIVersion {
			continue
		}
		theirs, err := decodeSet(e)
		if err != nil {
			return nil, false, err
		}
		all = all.Union(theirs)
	}
	if all.Equals(set) {
		return out, false, nil
	}
	raw, err := all.ToJSON()
	if err != nil {
		return nil, false, fmt.Errorf("encoding managed fields: %w", err)
	}
	out[ours].FieldsV1 = metav1.NewFieldsV1(string(raw))
	return out, true, nil
}

// withOurs is entries with our entry as it is in before.
func withOurs(entries, before []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	out := make([]metav1.ManagedFieldsEntry, 0, len(entries))
	for _, e := range entries {
		if isOurs(e) {
			for _, b := range before {
				if isOurs(b) {
					e = b
				}
			}
		}
		out = append(out, e)
	}
	return out
}

func deployed(e metav1.ManagedFieldsEntry) bool {
	op, ok := deployers[e.Manager]
	return ok && e.Subresource == "" && (op == anyOperation || op == e.Operation)
}

func isOurs(e metav1.ManagedFieldsEntry) bool {
	return e.Manager == model.FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
}

func decodeSet(e metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := &fieldpath.Set{}
	if e.FieldsV1 == nil {
		return set, nil
	}
	if err := set.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("decoding the managed fields of %s: %w", e.Manager, err)
	}
	return set, nil
}
