package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/support"
)

// requests keeps the request objects of one kind as the watch told them last. T is the kind's Go
// type; fields it does not have are noted by path and then dropped.
type requests[T any, P interface {
	*T
	metav1.Object
}] struct {
	kind    model.Kind
	changed func(ids ...model.ReleaseID) // told of releases whose request changed in a way that counts
	asks    func(old, cur P) bool        // whether cur asks for something else than old, annotations apart

	mu     sync.RWMutex
	items  map[model.ReleaseID]request[P]
	synced atomic.Bool
}

// request is one request object.
type request[P any] struct {
	Object      P
	Unsupported []string // paths of fields that are not acted upon
	Invalid     error    // the object does not fit its Go type
}

func newRequests[T any, P interface {
	*T
	metav1.Object
}](kind model.Kind, changed func(...model.ReleaseID), asks func(old, cur P) bool) *requests[T, P] {
	return &requests[T, P]{kind: kind, changed: changed, asks: asks, items: map[model.ReleaseID]request[P]{}}
}

// Watch keeps the store up until ctx ends. A list that fails is tried again and never taken for
// "there is none".
func (r *requests[T, P]) Watch(ctx context.Context, c dynamic.Interface, gvr schema.GroupVersionResource) {
	client := c.Resource(gvr)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, o)
		},
	}
	reflector := cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, r, cache.ReflectorOptions{
		Name: string(r.kind), TypeDescription: gvr.String(),
	})
	reflector.RunWithContext(ctx)
}

// Synced reports whether the first list is complete.
func (r *requests[T, P]) Synced() bool { return r.synced.Load() }

// Get gives a request; found is false when there is none.
func (r *requests[T, P]) Get(id model.ReleaseID) (req request[P], found bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	req, found = r.items[id]
	return req, found
}

// IDs are all requests.
func (r *requests[T, P]) IDs() []model.ReleaseID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	ids := make([]model.ReleaseID, 0, len(r.items))
	for id := range r.items {
		ids = append(ids, id)
	}
	return ids
}

// Put replaces a request by what a write returned, so that the next turn does not see an older
// one. It causes no turn, and brings back nothing that was deleted meanwhile.
func (r *requests[T, P]) Put(obj P) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.id(obj)
	old, found := r.items[id]
	if !found || !newer(obj.GetResourceVersion(), old.Object.GetResourceVersion()) {
		return
	}
	old.Object = obj
	r.items[id] = old
}

func (r *requests[T, P]) id(obj metav1.Object) model.ReleaseID {
	return model.ReleaseID{Kind: r.kind, Namespace: obj.GetNamespace(), Name: obj.GetName()}
}

// Add is part of cache.ReflectorStore.
func (r *requests[T, P]) Add(obj any) error { return r.set(obj) }

// Update is part of cache.ReflectorStore.
func (r *requests[T, P]) Update(obj any) error { return r.set(obj) }

// Delete is part of cache.ReflectorStore.
func (r *requests[T, P]) Delete(obj any) error {
	o, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	id := r.id(o)
	r.mu.Lock()
	delete(r.items, id)
	r.mu.Unlock()
	r.changed(id)
	return nil
}

// Replace is part of cache.ReflectorStore: a complete list.
func (r *requests[T, P]) Replace(list []any, _ string) error {
	items := make(map[model.ReleaseID]request[P], len(list))
	for _, obj := range list {
		id, req, err := r.decode(obj)
		if err != nil {
			return err
		}
		items[id] = req
	}
	r.mu.Lock()
	var ids []model.ReleaseID
	for id, req := range items {
		old, found := r.items[id]
		if found && newer(old.Object.GetResourceVersion(), req.Object.GetResourceVersion()) {
			items[id] = old // the answer to a write, ahead of the list
			continue
		}
		if !found || r.counts(old, req) {
			ids = append(ids, id)
		}
	}
	for id := range r.items {
		if _, still := items[id]; !still {
			ids = append(ids, id)
		}
	}
	r.items = items
	r.mu.Unlock()
	r.synced.Store(true)
	r.changed(ids...)
	return nil
}

// Resync is part of cache.ReflectorStore: there is nothing to do.
func (r *requests[T, P]) Resync() error { return nil }

func (r *requests[T, P]) set(obj any) error {
	id, req, err := r.decode(obj)
	if err != nil {
		return err
	}
	r.mu.Lock()
	old, found := r.items[id]
	if found && !newer(req.Object.GetResourceVersion(), old.Object.GetResourceVersion()) {
		r.mu.Unlock()
		return nil
	}
	r.items[id] = req
	r.mu.Unlock()
	if !found || r.counts(old, req) {
		r.changed(id)
	}
	return nil
}

// decode makes a request of what the API server sent. An object that does not fit its type stays
// a request, one that can only be told what is wrong with it.
func (r *requests[T, P]) decode(obj any) (model.ReleaseID, request[P], error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return model.ReleaseID{}, request[P]{}, fmt.Errorf("reading a %s: got a %T", r.kind, obj)
	}
	u.SetManagedFields(nil)
	raw, err := u.MarshalJSON()
	if err != nil {
		return model.ReleaseID{}, request[P]{}, fmt.Errorf("reading %s %s/%s: %w", r.kind, u.GetNamespace(), u.GetName(), err)
	}
	req := request[P]{Object: new(T)}
	if req.Unsupported, err = support.Unsupported(r.kind, raw); err != nil {
		req.Invalid = err
	}
	if err := json.Unmarshal(raw, req.Object); err != nil {
		req.Object = new(T)
		req.Object.SetNamespace(u.GetNamespace())
		req.Object.SetName(u.GetName())
		req.Object.SetUID(u.GetUID())
		req.Object.SetGeneration(u.GetGeneration())
		req.Object.SetResourceVersion(u.GetResourceVersion())
		req.Invalid = &model.Error{Kind: model.ErrInvalid, Reason: "InvalidSpec", Msg: "the object does not fit its kind", Err: err}
	}
	return r.id(u), req, nil
}

// counts reports whether a change asks for a turn: not one of the status, which is our own writing.
func (r *requests[T, P]) counts(was, is request[P]) bool {
	old, cur := was.Object, is.Object
	if old.GetUID() != cur.GetUID() || (old.GetDeletionTimestamp() == nil) != (cur.GetDeletionTimestamp() == nil) ||
		textOf(was.Invalid) != textOf(is.Invalid) || !slices.Equal(was.Unsupported, is.Unsupported) || r.asks(old, cur) {
		return true
	}
	for _, a := range askingAnnotations {
		if old.GetAnnotations()[a] != cur.GetAnnotations()[a] {
			return true
		}
	}
	return false
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// regenerated is how a kind with a status of its own tells a change of its spec.
func regenerated[P metav1.Object](old, cur P) bool { return old.GetGeneration() != cur.GetGeneration() }

// respecified looks at what an Application asks for. Its generation counts writes of its status too,
// ours among them, which the watch may tell of before the answer to them is here.
func respecified(old, cur *argo.Application) bool {
	return !equality.Semantic.DeepEqual(old.Spec, cur.Spec) ||
		cur.Operation != nil && !equality.Semantic.DeepEqual(old.Operation, cur.Operation)
}

var askingAnnotations = []string{
	model.AnnotationSync, model.AnnotationHold, model.AnnotationResume, annotationRefresh,
}

// newer compares resource versions, which the API server lets clients compare as numbers since
// Kubernetes 1.35 (KEP-5504): by length, then digit by digit.
func newer(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// upToDate does a write on what the store has of a request, and again when the request has changed
// meanwhile and the store has learned of it.
func upToDate[T any, P interface {
	*T
	metav1.Object
}](ctx context.Context, s *requests[T, P], id model.ReleaseID, write func() error) error {
	version := func() string {
		if req, found := s.Get(id); found {
			return req.Object.GetResourceVersion()
		}
		return ""
	}
	for {
		was := version()
		err := write()
		if model.KindOf(err) != model.ErrConflict {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, changeDelay)
		late := waitFor(wait, func() bool { return version() != was })
		cancel()
		if late != nil {
			return err
		}
	}
}

// changeDelay is how long a watch may take to tell of a change that a write ran into.
const changeDelay = 5 * time.Second

// waitFor polls nothing that costs: it looks at memory until cond holds.
func waitFor(ctx context.Context, cond func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
