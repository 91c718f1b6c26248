package kube

import (
	"context"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// v1 is the version in which options are sent, whatever the kind.
var v1 = schema.GroupVersion{Version: "v1"}

// WatchOptions say what to watch and how objects arrive.
type WatchOptions struct {
	Namespace string // only objects in it; empty is all of them
	Selector  string // label selector; empty is everything
	Name      string // only the object of that name
	// Full asks for whole objects: built-in kinds as their Go types (by protobuf), others as
	// *unstructured.Unstructured. Else they arrive as *metav1.PartialObjectMetadata.
	Full bool
	// ResourceVersion to go on from. Empty with Initial: the server sends what there is first, then
	// a bookmark with the annotation metav1.InitialEventsAnnotationKey.
	ResourceVersion string
	Initial         bool
	TimeoutSeconds  int64
}

// Watch starts a watch on a kind. Bookmarks are always asked for.
func (c *Client) Watch(ctx context.Context, gvk schema.GroupVersionKind, o WatchOptions) (watch.Interface, error) {
	m, err := c.kinds.mapping(ctx, gvk)
	if err != nil {
		return nil, err
	}
	opts := metav1.ListOptions{
		LabelSelector: o.Selector, Watch: true, AllowWatchBookmarks: true,
		ResourceVersion: o.ResourceVersion, TimeoutSeconds: &o.TimeoutSeconds,
	}
	if o.Name != "" {
		opts.FieldSelector = "metadata.name=" + o.Name
	}
	if o.Initial {
		yes := true
		opts.SendInitialEvents, opts.ResourceVersionMatch = &yes, metav1.ResourceVersionMatchNotOlderThan
	}
	var w watch.Interface
	if req := c.reading(gvk, m, o); req != nil {
		w, err = req.SpecificallyVersionedParams(&opts, scheme.ParameterCodec, v1).Watch(ctx)
	} else {
		w, err = c.dynamic.Resource(m.Resource).Namespace(o.Namespace).Watch(ctx, opts)
	}
	return w, describe("watching "+m.Resource.Resource, model.ObjectKey{}, err)
}

// List reads one page of a kind and calls each for every object; it returns where the next page begins and the list's resourceVersion. It is for servers that cannot send initial
// events with a watch.
func (c *Client) List(ctx context.Context, gvk schema.GroupVersionKind, o WatchOptions, page string, each func(runtime.Object)) (next, rv string, err error) {
	m, err := c.kinds.mapping(ctx, gvk)
	if err != nil {
		return "", "", err
	}
	opts := metav1.ListOptions{LabelSelector: o.Selector, Limit: 500, Continue: page}
	var list runtime.Object
	if req := c.reading(gvk, m, o); req != nil {
		if !o.Full {
			req.SetHeader("Accept", acceptMetaList)
		}
		list, err = req.SpecificallyVersionedParams(&opts, scheme.ParameterCodec, v1).Do(ctx).Get()
	} else {
		list, err = c.dynamic.Resource(m.Resource).Namespace(o.Namespace).List(ctx, opts)
	}
	if err != nil {
		return "", "", describe("listing "+m.Resource.Resource, model.ObjectKey{}, err)
	}
	acc, err := meta.ListAccessor(list)
	if err != nil {
		return "", "", fmt.Errorf("listing %s: %w", m.Resource.Resource, err)
	}
	err = meta.EachListItem(list, func(obj runtime.Object) error {
		each(obj)
		return nil
	})
	if err != nil {
		return "", "", fmt.Errorf("listing %s: %w", m.Resource.Resource, err)
	}
	return acc.GetContinue(), acc.GetResourceVersion(), nil
}

// reading is a GET on the objects of a kind in the form asked for; nil when that is JSON of a kind
// that client-go has no type for.
func (c *Client) reading(gvk schema.GroupVersionKind, m Mapping, o WatchOptions) *rest.Request {
	path := pathOf(m, o.Namespace, "")
	switch {
	case !o.Full:
		return c.meta.Get().AbsPath(path...).SetHeader("Accept", acceptMeta)
	case builtin().Recognizes(gvk):
		return c.typed.Get().AbsPath(path...)
	}
	return nil
}
