package kube

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// ApplyOptions of a server-side apply.
type ApplyOptions struct {
	Manager string
	Force   bool
	DryRun  bool
}

// Apply sends one server-side apply and returns the object's metadata, managed fields included.
func (c *Client) Apply(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, body []byte, o ApplyOptions) (*metav1.ObjectMeta, error) {
	panic("coming")
}

// ApplyRaw is Apply with the whole object in JSON as answer.
func (c *Client) ApplyRaw(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, body []byte, o ApplyOptions) ([]byte, error) {
	panic("coming")
}

// Get reads an object as JSON.
func (c *Client) Get(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) ([]byte, error) {
	panic("coming")
}

// GetMeta reads an object's metadata.
func (c *Client) GetMeta(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) (*metav1.ObjectMeta, error) {
	panic("coming")
}

// Patch changes an object, or a subresource of it when sub is not empty, and returns its metadata.
func (c *Client) Patch(ctx context.Context, gvk schema.GroupVersionKind, ns, name, sub string, pt types.PatchType, body []byte) (*metav1.ObjectMeta, error) {
	panic("coming")
}

// Delete deletes an object in the background, only the one with that UID when uid is not empty.
func (c *Client) Delete(ctx context.Context, gvk schema.GroupVersionKind, ns, name, uid string) error {
	panic("coming")
}

// Fields is a digest of the set of fields that a manager owns by applying; empty when it owns none.
// Equal sets give equal digests in whatever order they are written.
func Fields(m *metav1.ObjectMeta, manager string) string { panic("coming") }
