package live

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// kind is the watch on one kind and what it told. Fields below entries are guarded by the store's
// lock; those below mu by mu.
type kind struct {
	store    *Store
	gvk      schema.GroupVersionKind
	selector string
	health   HealthFunc

	entries map[name]*entry
	list    uint32 // number of the list that is being taken, or was taken last
	seen    uint64 // highest resourceVersion the watch has told

	// The watch's own goroutine alone uses these.
	rv    string // where to go on; empty: a list is needed
	paged bool   // the server cannot send initial events

	mu       sync.Mutex
	complete bool          // the first complete list is in
	since    time.Time     // of the trouble
	err      error         // the trouble; nil while the watch runs
	failures int           // how often it did not run
	news     chan struct{} // closed, and replaced, when one of the above changes

	nudge chan struct{} // ends the pause after a failure
}

// watchedWhole are the kinds of which every object is kept: releases refer to them by name.
func watchedWhole(gk schema.GroupKind) bool {
	switch gk {
	case schema.GroupKind{Kind: "Secret"}, schema.GroupKind{Kind: "ConfigMap"},
		schema.GroupKind{Kind: "Namespace"}, crdKind:
		return true
	}
	return false
}

var crdKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

func newKind(s *Store, gvk schema.GroupVersionKind) *kind {
	k := &kind{
		store: s, gvk: gvk, selector: model.LabelRelease,
		entries: map[name]*entry{}, news: make(chan struct{}), nudge: make(chan struct{}, 1),
	}
	whole := watchedWhole(gvk.GroupKind())
	if whole {
		k.selector = ""
	}
	// Content of Secrets and ConfigMaps is never asked for. A CRD is large, and was waited for when
	// it was applied.
	if gk := gvk.GroupKind(); !whole || gk.Kind == "Namespace" {
		k.health = s.options.Health(gvk)
	}
	return k
}

func (k *kind) isSynced() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.complete
}

// trouble is what keeps the watch from running, and since when.
func (k *kind) trouble() (time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.since, k.err
}

// wait returns when the first list is complete, or with the trouble when that will not pass by
// itself or ctx ends before. Trouble of before the call is no answer: it is tried again at once.
func (k *kind) wait(ctx context.Context) error {
	before := -1
	for {
		k.mu.Lock()
		complete, err, failures, news := k.complete, k.err, k.failures, k.news
		k.mu.Unlock()
		switch {
		case complete:
			return nil
		case before < 0 && err != nil:
			before = failures
			select {
			case k.nudge <- struct{}{}:
			default:
			}
		case failures > max(before, 0) && err != nil && model.KindOf(err) != model.ErrTransient:
			return err
		}
		before = max(before, 0)
		select {
		case <-news:
		case <-ctx.Done():
			if err != nil {
				return err
			}
			return context.Cause(ctx)
		}
	}
}

// set changes what is known of the watch itself, and tells those who wait.
func (k *kind) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
	close(k.news)
	k.news = make(chan struct{})
}

// observation is what is taken from an object on arrival.
type observation struct {
	meta   *metav1.ObjectMeta
	health model.Health
}

// look takes from an object what is kept; ok is false for what is no object.
func (k *kind) look(obj runtime.Object) (observation, bool) {
	switch o := obj.(type) {
	case *metav1.PartialObjectMetadata:
		return observation{&o.ObjectMeta, k.healthOf(nil, &o.ObjectMeta)}, true
	case *unstructured.Unstructured:
		m := metaOf(o)
		unstructured.RemoveNestedField(o.Object, "metadata", "managedFields")
		return observation{m, k.healthOf(o, m)}, true
	case metav1.ObjectMetaAccessor:
		m, ok := o.GetObjectMeta().(*metav1.ObjectMeta)
		if !ok {
			return observation{}, false
		}
		kept := *m
		// Converting them would cost more than all the rest, and health does not read them.
		m.ManagedFields = nil
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
		if err != nil {
			return observation{&kept, model.Health{Status: model.Unknown, Message: err.Error()}}, true
		}
		u := &unstructured.Unstructured{Object: content}
		u.SetGroupVersionKind(k.gvk)
		return observation{&kept, k.healthOf(u, &kept)}, true
	}
	return observation{}, false
}

func (k *kind) healthOf(u *unstructured.Unstructured, m *metav1.ObjectMeta) model.Health {
	switch {
	case k.health != nil && u != nil:
		return k.health(u)
	case m.DeletionTimestamp != nil:
		return model.Health{Status: model.Progressing, Reason: "Terminating", Message: "being deleted"}
	}
	return model.Health{Status: model.Healthy}
}

// metaOf copies what is needed of the metadata of an object in JSON.
func metaOf(u *unstructured.Unstructured) *metav1.ObjectMeta {
	return &metav1.ObjectMeta{
		Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(),
		Labels: u.GetLabels(), Annotations: u.GetAnnotations(), DeletionTimestamp: u.GetDeletionTimestamp(),
		ManagedFields: u.GetManagedFields(),
	}
}

// liveOf puts an observation into the shape that is kept.
func (k *kind) liveOf(o observation) model.Live {
	m := o.meta
	return model.Live{
		Key:             model.ObjectKey{Group: k.gvk.Group, Kind: k.gvk.Kind, Namespace: m.Namespace, Name: m.Name},
		UID:             string(m.UID),
		ResourceVersion: m.ResourceVersion,
		Release:         m.Labels[model.LabelRelease],
		Fields:          kube.Fields(m, model.FieldManager),
		Deleting:        m.DeletionTimestamp != nil,
		Keep:            model.Kept(m.Annotations),
		Health:          o.health,
	}
}
