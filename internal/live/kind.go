package live

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// kind is the watch on one kind and what it told. Fields below entries are guarded by the store's
// lock; those below mu by mu.
type kind struct {
	store     *Store
	gvk       schema.GroupVersionKind
	namespace string // empty is all
	selector  string
	health    HealthFunc

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

func newKind(s *Store, gvk schema.GroupVersionKind, namespace string) *kind {
	k := &kind{
		store: s, gvk: gvk, namespace: namespace, selector: model.LabelRelease,
		entries: map[name]*entry{}, news: make(chan struct{}), nudge: make(chan struct{}, 1),
	}
	whole := watchedWhole(gvk.GroupKind())
	if whole && !s.options.Scoped {
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
