package releases

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Reader reads releases from an API server.
type Reader struct {
	Dynamic  dynamic.Interface
	Metadata metadata.Interface
	Leases   leaseLister // of SystemNamespace
	Now      func() time.Time
	// Namespace, when set, is looked at alone where all of them may not be read.
	Namespace string
	// Note is told, once, of each thing that may not be read and is left out because of that; nil
	// drops it.
	Note func(string)

	mu    sync.Mutex
	noted map[string]bool // false while it is to be told yet
}

// leaseLister is the part of a client for leases that is needed.
type leaseLister interface {
	List(ctx context.Context, opts metav1.ListOptions) (*coordinationv1.LeaseList, error)
}

// List reads all releases, ordered by namespace and name. It costs one request for each kind and
// three for what belongs to them, side by side, however many releases there are.
func (r *Reader) List(ctx context.Context) ([]View, error) {
	g, gctx := errgroup.WithContext(ctx)
	lists, refused := make([][]View, len(requests)), make([]error, len(requests))
	for i, req := range requests {
		g.Go(func() error {
			var err error
			lists[i], err = r.list(gctx, req)
			if err != nil && r.Namespace != "" && tolerable(err) {
				refused[i] = err
				return nil
			}
			return err
		})
	}
	f := &facts{}
	g.Go(func() error { return r.facts(gctx, f) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, err := range refused {
		if err != nil && f.stored == nil {
			return nil, err
		}
		_ = r.orNote(err, fmt.Sprintf("releases of kind %s are left out", requests[i].kind))
	}
	r.tell()
	views := slices.Concat(lists...)
	views = append(views, f.direct(views)...)
	now := r.Now()
	for i := range views {
		f.complete(&views[i], now)
		views[i].age(now)
	}
	slices.SortFunc(views, compare)
	return views, nil
}

// pageSize bounds one answer of the API server.
const pageSize = 500

func (r *Reader) list(ctx context.Context, req request) ([]View, error) {
	opts := metav1.ListOptions{LabelSelector: req.selector, Limit: pageSize}
	client, page, err := r.open(ctx, req, opts)
	if client == nil || err != nil {
		return nil, err
	}
	var views []View
	for {
		for i := range page.Items {
			views = append(views, req.read(&page.Items[i]))
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return views, nil
		}
		if page, err = client.List(ctx, opts); err != nil {
			return nil, fmt.Errorf("listing %s: %w", req.resource.GroupResource(), err)
		}
	}
}

// open begins to list the objects of a kind: in all namespaces, or in one where that is all that may
// be read. A nil client and no error mean that there are none: the server says that it does not know
// the kind. Roots that may not be read are left out with a note; they are an administrator's matter.
func (r *Reader) open(ctx context.Context, req request, opts metav1.ListOptions) (dynamic.ResourceInterface, *unstructured.UnstructuredList, error) {
	all := r.Dynamic.Resource(req.resource)
	page, err := all.List(ctx, opts)
	switch {
	case err == nil:
		return all, page, nil
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case apierrors.IsForbidden(err) && req.kind == model.KindRoot:
		return nil, nil, r.orNote(err, "roots are left out")
	case apierrors.IsForbidden(err) && r.Namespace != "":
		one := all.Namespace(r.Namespace)
		if page, inOne := one.List(ctx, opts); inOne == nil {
			return one, page, r.orNote(err, fmt.Sprintf("only the %s in %s are looked at", req.resource.Resource, r.Namespace))
		}
	}
	return nil, nil, fmt.Errorf("listing %s: %w", req.resource.GroupResource(), err)
}

func (req *request) read(u *unstructured.Unstructured) View {
	v, err := req.view(u)
	if err != nil {
		return unreadable(req.kind, u, err)
	}
	return v
}

func (r *Reader) facts(ctx context.Context, f *facts) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		f.namespaces, err = namespaceLabels(ctx, r.Metadata)
		return r.orNote(err, "environments come from names alone")
	})
	g.Go(func() (err error) {
		f.stored, err = r.storedIn(ctx)
		return r.orNote(err, "revisions are those the requests themselves know, and releases without a request are left out")
	})
	g.Go(func() (err error) {
		f.alive, f.patience, err = newestLease(ctx, r.Leases)
		return r.orNote(err, "whether a controller is running is not known")
	})
	return g.Wait()
}

// orNote lets a read that is not allowed be a gap that is told about.
func (r *Reader) orNote(err error, consequence string) error {
	if err == nil || !tolerable(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.noted == nil {
		r.noted = map[string]bool{}
	}
	if text := fmt.Sprintf("%s: %v", consequence, err); !r.noted[text] {
		r.noted[text] = false
	}
	return nil
}

// tell tells the notes that were not told yet. Beside an error they would only distract from it.
func (r *Reader) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(r.noted)) {
		if !r.noted[text] && r.Note != nil {
			r.Note(text)
		}
		r.noted[text] = true
	}
}

// Find reads all releases and gives the one that was named.
//
// One that was deployed without a request needs no right outside of its namespace, where the name says
// which that is.
func (r *Reader) Find(ctx context.Context, n Name) (View, error) {
	v, found, foreign := r.findStored(ctx, n)
	if found && !foreign {
		return v, nil
	}
	all, err := r.List(ctx)
	if found && err != nil && tolerable(err) {
		return v, r.orNote(err, "whether a request in the cluster asks for it is not known")
	}
	if err != nil {
		return View{}, err
	}
	return Find(all, n)
}
