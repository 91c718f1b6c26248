package kube

import (
	"context"

	"github.com/fairlead-cd/fairlead/internal/model"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Scope tells whether objects of a kind live in a namespace; version may be empty. A kind that is
// not known makes discovery run again, at most once a second. The error for a kind that the cluster
// does not have is a *model.Error with Reason "UnknownKind".
func (c *Client) Scope(ctx context.Context, gvk schema.GroupVersionKind) (namespaced bool, err error) {
	panic("coming")
}

// Capabilities is what charts may ask of the cluster: its version and its API versions as Helm
// lists them. It is read once and again after Invalidate.
func (c *Client) Capabilities(ctx context.Context) (model.Capabilities, error) { panic("coming") }

// Invalidate makes the next question about kinds read discovery again: a CRD came or went.
func (c *Client) Invalidate() { panic("coming") }
