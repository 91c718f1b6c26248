package kube

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Mapping is where the objects of a kind are served.
type Mapping struct {
	Resource   schema.GroupVersionResource
	Namespaced bool
}

// Scope tells whether objects of a kind live in a namespace; version may be empty. A kind that is
// not known makes discovery run again, at most once a second. The error for a kind that the cluster
// does not have is a *model.Error with Reason "UnknownKind".
func (c *Client) Scope(ctx context.Context, gvk schema.GroupVersionKind) (namespaced bool, err error) {
	m, err := c.kinds.mapping(ctx, gvk)
	return m.Namespaced, err
}

// Mapping is Scope with the resource as well.
func (c *Client) Mapping(ctx context.Context, gvk schema.GroupVersionKind) (Mapping, error) {
	return c.kinds.mapping(ctx, gvk)
}

// Capabilities is what charts may ask of the cluster: its version and its API versions as Helm
// lists them. It is read once and again after Invalidate. The slice is shared: do not change it.
func (c *Client) Capabilities(ctx context.Context) (model.Capabilities, error) {
	t, err := c.kinds.current(ctx)
	if err != nil {
		return model.Capabilities{}, err
	}
	return t.capabilities, nil
}

// Known tells whether discovery, as it was read last or after Invalidate, has a kind. It fails when
// discovery could not tell.
func (c *Client) Known(ctx context.Context, gvk schema.GroupVersionKind) (bool, error) {
	t, err := c.kinds.current(ctx)
	if err != nil {
		return false, err
	}
	if _, ok := t.kinds[gvk]; ok {
		return true, nil
	}
	if t.failed[gvk.Group] {
		return false, &model.Error{
			Kind: model.ErrTransient, Reason: "DiscoveryFailed", Msg: "the API server could not tell the kinds of " + gvk.Group,
		}
	}
	return false, nil
}

// Invalidate makes the next question about kinds read discovery again: a CRD came or went.
func (c *Client) Invalidate() { c.kinds.invalidate() }

// Learn adds a kind before discovery tells of it: the CRD was applied a moment ago and says all
// there is to know.
func (c *Client) Learn(gvk schema.GroupVersionKind, m Mapping) { c.kinds.learn(gvk, m) }

// Learned tells whether a kind is known by Learn alone: servers may take a moment to serve it.
func (c *Client) Learned(gvk schema.GroupVersionKind) bool {
	c.kinds.mu.Lock()
	defer c.kinds.mu.Unlock()
	l, ok := c.kinds.learned[gvk]
	return ok && time.Since(l.at) < forgetAfter
}

// Forget takes back what was learned of a CustomResourceDefinition, named "plural.group": it is
// deleted.
func (c *Client) Forget(crd string) {
	k := c.kinds
	k.mu.Lock()
	defer k.mu.Unlock()
	for gvk, l := range k.learned {
		if l.Resource.GroupResource().String() == crd {
			delete(k.learned, gvk)
		}
	}
	k.stale = true
}
