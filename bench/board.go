package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// board shows one word about each object of a kind in the namespace, as a watch tells it.
type board struct {
	mu      sync.Mutex
	words   map[string]string
	changed chan struct{}
}

// watch keeps a board until ctx ends; it returns when it shows what there is.
func (w *world) watch(ctx context.Context, gvr schema.GroupVersionResource, word func(*unstructured.Unstructured) string) (*board, error) {
	b := &board{words: map[string]string{}, changed: make(chan struct{})}
	informer := dynamicinformer.NewFilteredDynamicInformer(w.dynamic, gvr, namespace, 0, cache.Indexers{}, nil).Informer()
	set := func(obj any) {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			b.set(u.GetName(), word(u))
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: set, UpdateFunc: func(_, now any) { set(now) }})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w.stops = append(w.stops, cancel)
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, fmt.Errorf("watching %s: %w", gvr.Resource, context.Cause(ctx))
	}
	return b, nil
}

func (b *board) set(name, word string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.words[name] = word
	close(b.changed)
	b.changed = make(chan struct{})
}

// forget takes an object's word off, so that the next event about it is waited for.
func (b *board) forget(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.words, name)
}

// wait returns when the board shows what done wants to see.
func (b *board) wait(ctx context.Context, done func(words map[string]string) error) error {
	for {
		b.mu.Lock()
		err, changed := done(b.words), b.changed
		b.mu.Unlock()
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting: %w: %w", err, context.Cause(ctx))
		}
	}
}

// waitAll returns when all n releases show the word they should. Counting is cheap: a release that
// was seen right is not looked at again.
func (b *board) waitAll(ctx context.Context, n int, want func(i int) string) error {
	next := 0
	return b.wait(ctx, func(words map[string]string) error {
		for next < n && words[releaseName(next)] == want(next) {
			next++
		}
		if next < n {
			return fmt.Errorf("%s shows %q, not %q", releaseName(next), words[releaseName(next)], want(next))
		}
		return nil
	})
}

// waitOne returns when one release shows a word.
func (b *board) waitOne(ctx context.Context, i int, want string) error {
	return b.wait(ctx, func(words map[string]string) error {
		if got := words[releaseName(i)]; got != want {
			return fmt.Errorf("%s shows %q, not %q", releaseName(i), got, want)
		}
		return nil
	})
}

// patience is how long anything may take before a subject is taken not to do it.
const patience = 30 * time.Minute
