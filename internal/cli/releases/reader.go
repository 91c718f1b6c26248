package releases

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// Reader reads releases from an API server.
type Reader struct {
	Dynamic  dynamic.Interface
	Metadata metadata.Interface
	Leases   leaseLister // of SystemNamespace
	Now      func() time.Time
	// Note is told what could not be read and is left out because of that; nil drops it.
	Note func(string)
}

// leaseLister is the part of a client for leases that is needed.
type leaseLister interface {
	List(ctx context.Context, opts metav1.ListOptions) (*coordinationv1.LeaseList, error)
}

// List reads all releases, ordered by namespace and name. It costs one request for each kind and
// three for what belongs to them, side by side, however many releases there are.
func (r *Reader) List(ctx context.Context) ([]View, error) {
	g, gctx := errgroup.WithContext(ctx)
	lists := make([][]View, len(requests))
	for i, req := range requests {
		g.Go(func() error {
			var err error
			lists[i], err = r.list(gctx, req)
			return err
		})
	}
	f := &facts{}
	g.Go(func() error { return r.facts(gctx, f) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	views := slices.Concat(lists...)
	now := r.Now()
	for i := range views {
		f.complete(&views[i], now)
		views[i].Age = output.Age(now.Sub(views[i].CreatedAt))
	}
	slices.SortFunc(views, compare)
	return views, nil
}

// pageSize bounds one answer of the API server.
const pageSize = 500

func (r *Reader) list(ctx context.Context, req request) ([]View, error) {
	var views []View
	opts := metav1.ListOptions{LabelSelector: req.selector, Limit: pageSize}
	for {
		page, err := r.Dynamic.Resource(req.resource).List(ctx, opts)
		if apierrors.IsNotFound(err) {
			return nil, nil // the kind is not installed, so there are none: the server said so
		}
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", req.resource.GroupResource(), err)
		}
		for i := range page.Items {
			views = append(views, req.read(&page.Items[i]))
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return views, nil
		}
	}
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
		f.revisions, err = newestRevisions(ctx, r.Metadata)
		return r.orNote(err, "revisions are those the requests themselves know")
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
	if r.Note != nil {
		r.Note(fmt.Sprintf("%s: %v", consequence, err))
	}
	return nil
}

// Find reads all releases and gives the one that was named.
func (r *Reader) Find(ctx context.Context, n Name) (View, error) {
	all, err := r.List(ctx)
	if err != nil {
		return View{}, err
	}
	return Find(all, n)
}
