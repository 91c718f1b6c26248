package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 15 * time.Second
)

// errExpired: the server cannot go on from where the watch ended.
var errExpired = errors.New("the watch is too old to go on")

// run keeps the watch going until ctx ends.
func (k *kind) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := k.watch(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errExpired):
			k.rv = ""
		case err != nil:
			k.fail(err)
			if model.ReasonOf(err, "") == kube.ReasonUnknownKind && k.vanished(ctx) {
				return
			}
		}
		if err == nil || time.Since(began) > longestPause {
			pause = firstPause
		}
		if err == nil && time.Since(began) > time.Second {
			continue // the server ended a watch as it does every few minutes
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
			pause = min(2*pause, longestPause)
		case <-k.nudge:
		case <-ctx.Done():
		}
	}
}

// watch follows one connection to its end. Nil is an end that the server chose.
func (k *kind) watch(ctx context.Context) error {
	o := kube.WatchOptions{
		Namespace: k.namespace, Selector: k.selector, Full: k.health != nil, ResourceVersion: k.rv,
		// As client-go does: between five and ten minutes, so that watches do not end together.
		TimeoutSeconds: int64(300 + rand.IntN(300)),
	}
	listing := k.rv == ""
	if listing {
		k.begin()
		if k.paged {
			if err := k.pages(ctx, o); err != nil {
				return err
			}
			o.ResourceVersion, listing = k.rv, false
		}
		o.Initial = listing
	}
	w, err := k.store.client.Watch(ctx, k.gvk, o)
	if err != nil {
		if listing && model.KindOf(err) == model.ErrInvalid && model.ReasonOf(err, "") == kube.ReasonInvalidObject {
			k.paged = true // a server before Kubernetes 1.32, or with the feature off
			return errExpired
		}
		return expired(err)
	}
	defer w.Stop()
	if !listing {
		k.running()
	}
	for e := range w.ResultChan() {
		if e.Type == watch.Error {
			return expired(apierrors.FromObject(e.Object))
		}
		k.take(e, &listing)
	}
	if listing {
		return errExpired // it ended before the list did
	}
	return nil
}

// take handles one event; listing is true until the bookmark that ends the initial ones.
func (k *kind) take(e watch.Event, listing *bool) {
	if e.Type == watch.Bookmark {
		m, err := meta.Accessor(e.Object)
		if err != nil {
			return
		}
		rv := m.GetResourceVersion()
		if *listing && m.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
			*listing = false
			k.end(rv)
		}
		if !*listing {
			k.rv = rv
		}
		return
	}
	o, ok := k.look(e.Object)
	if !ok {
		return
	}
	if !*listing {
		k.rv = o.meta.ResourceVersion
	}
	if e.Type == watch.Deleted {
		k.store.emit(k.remove(name{o.meta.Namespace, o.meta.Name}, version(o.meta.ResourceVersion)))
		return
	}
	k.store.emit(k.upsert(o, *listing))
}

// pages takes a complete list in pages.
func (k *kind) pages(ctx context.Context, o kube.WatchOptions) error {
	page := ""
	for {
		next, rv, err := k.store.client.List(ctx, k.gvk, o, page, func(obj runtime.Object) {
			if seen, ok := k.look(obj); ok {
				k.store.emit(k.upsert(seen, true))
			}
		})
		if err != nil {
			return expired(err)
		}
		if page = next; page == "" {
			k.rv = rv
			k.end(rv)
			return nil
		}
	}
}

// begin starts a new list.
func (k *kind) begin() {
	k.store.mu.Lock()
	k.list++
	k.store.mu.Unlock()
}

// end finishes a complete list.
func (k *kind) end(rv string) {
	k.store.emit(k.sweep(version(rv)))
	k.running()
	k.store.emit(k.settled())
}

func (k *kind) running() {
	if _, err := k.trouble(); err != nil {
		k.set(func() { k.err, k.since = nil, time.Time{} })
		k.store.log.Info("watching again", "kind", k.gvk.Kind)
	}
}

func (k *kind) fail(err error) {
	_, before := k.trouble()
	k.set(func() {
		if k.err == nil {
			k.since = time.Now()
		}
		k.err = err
		k.failures++
	})
	if before == nil {
		k.store.log.Warn("watching", "kind", k.gvk.Kind, "error", err)
	}
}

// vanished ends the watch when discovery, read anew, does not know the kind any more: its CRD was
// deleted, and all objects with it.
func (k *kind) vanished(ctx context.Context) bool {
	s := k.store
	s.client.Invalidate()
	if known, err := s.client.Known(ctx, k.gvk); err != nil || known {
		return false
	}
	s.mu.Lock()
	delete(s.kinds, s.place(k.gvk.GroupKind(), k.namespace))
	s.absent[k.gvk.GroupKind()] = true
	var events []Event
	for _, e := range k.entries {
		events = append(events, k.drop(e)...)
	}
	s.mu.Unlock()
	s.emit(events)
	return true
}

// expired recognizes the server's ways of saying that a resourceVersion is too old.
func expired(err error) error {
	if apierrors.IsGone(err) || apierrors.IsResourceExpired(err) {
		return errExpired
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Code == 410 {
		return errExpired
	}
	return err
}
