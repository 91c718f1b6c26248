package releases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// ErrStop ends a Watch without an error when its callback returns it.
var ErrStop = errors.New("stop watching")

const (
	settle    = 50 * time.Millisecond // changes that come together are told together
	recheck   = 15 * time.Second      // how often it is asked whether a controller is still there
	factsAge  = time.Second           // what belongs to releases is read no more often
	retryWait = 2 * time.Second       // between tries to watch again
)

// Watch calls changed with all releases, and again whenever one may have changed, until ctx is done
// or changed returns an error. It is told of changes by watches; a watch that breaks is taken up
// again, and until then what was known stays.
func (r *Reader) Watch(ctx context.Context, changed func([]View) error) error {
	g, ctx := errgroup.WithContext(ctx)
	events := make(chan event)
	for i, req := range requests {
		g.Go(func() error { return r.follow(ctx, i, req, events) })
	}
	g.Go(func() error { return r.gather(ctx, events, changed) }) // its end, with an error, ends the others
	err := g.Wait()
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

// event is a change of one kind's objects: a full list when replace is set, else one object.
type event struct {
	kind    int
	replace map[types.UID]View
	uid     types.UID
	view    *View // nil is deleted
}

// gather keeps what the watches told and tells it on, once all kinds were read.
func (r *Reader) gather(ctx context.Context, events <-chan event, changed func([]View) error) error {
	known := make([]map[types.UID]View, len(requests))
	facts := &recent{read: r.facts, now: r.Now}
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			due = time.After(0)
		case e := <-events:
			switch {
			case e.replace != nil:
				known[e.kind] = e.replace
			case e.view == nil:
				delete(known[e.kind], e.uid)
			default:
				known[e.kind][e.uid] = *e.view
			}
			if due == nil {
				due = time.After(settle)
			}
		case <-due:
			due = nil
			if slices.ContainsFunc(known, func(m map[types.UID]View) bool { return m == nil }) {
				continue // a kind that was not read yet is not an empty one
			}
			f, fresh, err := facts.get(ctx)
			if err != nil {
				return err
			}
			if !fresh {
				due = time.After(factsAge)
			}
			r.tell()
			if err := changed(r.assemble(known, f)); err != nil {
				return err
			}
		}
	}
}

// recent are facts that are read again when they are old: they are lists, and changes may come by
// the hundred.
type recent struct {
	read func(context.Context, *facts) error
	now  func() time.Time

	facts facts
	at    time.Time
}

// get gives the facts; fresh is false when they were read a while before and may be out of date.
func (r *recent) get(ctx context.Context) (f *facts, fresh bool, err error) {
	if now := r.now(); r.at.IsZero() || now.Sub(r.at) >= factsAge {
		next := facts{}
		if err := r.read(ctx, &next); err != nil {
			return nil, false, err
		}
		r.facts, r.at = next, now
		return &r.facts, true, nil
	}
	return &r.facts, false, nil
}

func (r *Reader) assemble(known []map[types.UID]View, f *facts) []View {
	now := r.Now()
	views := []View{}
	for _, m := range known {
		for _, v := range m {
			views = append(views, v)
		}
	}
	views = append(views, f.direct(views)...)
	for i := range views {
		f.complete(&views[i], now)
		views[i].age(now)
	}
	slices.SortFunc(views, compare)
	return views
}

// follow lists the objects of one kind and watches them from there, over and over.
func (r *Reader) follow(ctx context.Context, kind int, req request, events chan<- event) error {
	for {
		err := r.listAndWatch(ctx, kind, req, events)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			return err
		case err != nil && r.Note != nil:
			r.Note(fmt.Sprintf("trying again in %s: %v", retryWait, err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryWait):
		}
	}
}

func (r *Reader) listAndWatch(ctx context.Context, kind int, req request, events chan<- event) error {
	client, list, err := r.open(ctx, req, metav1.ListOptions{LabelSelector: req.selector})
	if err != nil {
		return err
	}
	if client == nil {
		return send(ctx, events, event{kind: kind, replace: map[types.UID]View{}})
	}
	all := make(map[types.UID]View, len(list.Items))
	for i := range list.Items {
		all[list.Items[i].GetUID()] = req.read(&list.Items[i])
	}
	if err := send(ctx, events, event{kind: kind, replace: all}); err != nil {
		return err
	}
	version := list.GetResourceVersion()
	for {
		w, err := client.Watch(ctx, metav1.ListOptions{
			LabelSelector: req.selector, ResourceVersion: version, AllowWatchBookmarks: true,
		})
		if err != nil {
			return fmt.Errorf("watching %s: %w", req.resource.GroupResource(), err)
		}
		version, err = pass(ctx, w, kind, req, version, events)
		w.Stop()
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			return nil // list again
		}
		if err != nil {
			return err
		}
	}
}

// pass hands on the events of one watch until it ends, and gives the version to go on from.
func pass(ctx context.Context, w watch.Interface, kind int, req request, version string, events chan<- event) (string, error) {
	for e := range w.ResultChan() {
		if e.Type == watch.Error {
			return version, apierrors.FromObject(e.Object)
		}
		u, ok := e.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		version = u.GetResourceVersion()
		out := event{kind: kind, uid: u.GetUID()}
		switch e.Type {
		case watch.Bookmark:
			continue
		case watch.Added, watch.Modified:
			v := req.read(u)
			out.view = &v
		}
		if err := send(ctx, events, out); err != nil {
			return version, err
		}
	}
	return version, ctx.Err()
}

func send(ctx context.Context, events chan<- event, e event) error {
	select {
	case events <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
