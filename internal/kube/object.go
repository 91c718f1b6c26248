package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// acceptMeta asks for the metadata of an object alone: small, and managed fields are in it.
const acceptMeta = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1," +
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

const acceptMetaList = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// ApplyOptions of a server-side apply.
type ApplyOptions struct {
	Manager string
	Force   bool
	DryRun  bool
}

// Apply sends one server-side apply and returns the object's metadata, managed fields included.
func (c *Client) Apply(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, body []byte, o ApplyOptions) (*metav1.ObjectMeta, error) {
	req, err := c.applyRequest(ctx, gvk, ns, name, body, o)
	if err != nil {
		return nil, err
	}
	m, err := metaOf(req.SetHeader("Accept", acceptMeta).Do(ctx))
	return m, describe("applying", keyOf(gvk, ns, name), err)
}

// ApplyRaw is Apply with the whole object in JSON as answer.
func (c *Client) ApplyRaw(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, body []byte, o ApplyOptions) ([]byte, error) {
	req, err := c.applyRequest(ctx, gvk, ns, name, body, o)
	if err != nil {
		return nil, err
	}
	b, err := rawOf(req.SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx))
	return b, describe("applying", keyOf(gvk, ns, name), err)
}

func (c *Client) applyRequest(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, body []byte, o ApplyOptions) (*rest.Request, error) {
	path, err := c.path(ctx, gvk, ns, name)
	if err != nil {
		return nil, err
	}
	// An apply refuses unknown fields by itself. Validation on top of that would only have the
	// server parse the body a second time, for duplicate keys that our encoder cannot write.
	req := c.meta.Patch(types.ApplyYAMLPatchType).AbsPath(path...).Body(body).MaxRetries(0).
		Param("fieldManager", o.Manager).Param("fieldValidation", "Ignore")
	if o.Force {
		req.Param("force", "true")
	}
	if o.DryRun {
		req.Param("dryRun", metav1.DryRunAll)
	}
	return req, nil
}

// Get reads an object as JSON.
func (c *Client) Get(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) ([]byte, error) {
	path, err := c.path(ctx, gvk, ns, name)
	if err != nil {
		return nil, err
	}
	b, err := rawOf(c.meta.Get().AbsPath(path...).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx))
	return b, describe("reading", keyOf(gvk, ns, name), err)
}

// GetUpTo is Get for an answer of any size, such as all objects of a kind, which is what it reads without a
// name: one of more than limit bytes is an error with ReasonTooLarge, and not read to its end.
func (c *Client) GetUpTo(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, limit int64) ([]byte, error) {
	path, err := c.path(ctx, gvk, ns, name)
	if err != nil {
		return nil, err
	}
	const doing = "reading"
	body, err := c.meta.Get().AbsPath(path...).SetHeader("Accept", runtime.ContentTypeJSON).Stream(ctx)
	if err != nil {
		return nil, describe(doing, keyOf(gvk, ns, name), err)
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, describe(doing, keyOf(gvk, ns, name), err)
	}
	if int64(len(b)) > limit {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: ReasonTooLarge, Object: keyOf(gvk, ns, name),
			Msg: fmt.Sprintf("it has more than %d bytes", limit),
		}
	}
	return b, nil
}

// GetMeta reads an object's metadata.
func (c *Client) GetMeta(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) (*metav1.ObjectMeta, error) {
	path, err := c.path(ctx, gvk, ns, name)
	if err != nil {
		return nil, err
	}
	m, err := metaOf(c.meta.Get().AbsPath(path...).SetHeader("Accept", acceptMeta).Do(ctx))
	return m, describe("reading", keyOf(gvk, ns, name), err)
}

// Patch changes an object, or a subresource of it when sub is not empty, and returns its metadata.
// The change is attributed to the manager.
func (c *Client) Patch(ctx context.Context, gvk schema.GroupVersionKind, ns, name, sub string, pt types.PatchType, body []byte, manager string) (*metav1.ObjectMeta, error) {
	path, err := c.path(ctx, gvk, ns, name)
	if err != nil {
		return nil, err
	}
	if sub != "" {
		path = append(path, sub)
	}
	m, err := metaOf(c.meta.Patch(pt).AbsPath(path...).Body(body).Param("fieldManager", manager).
		SetHeader("Accept", acceptMeta).Do(ctx))
	return m, describe("patching", keyOf(gvk, ns, name), err)
}

// Delete deletes an object in the background, only the one with that UID when uid is not empty.
func (c *Client) Delete(ctx context.Context, gvk schema.GroupVersionKind, ns, name, uid string) error {
	path, err := c.path(ctx, gvk, ns, name)
	if err != nil {
		return err
	}
	// As raw JSON: the serializers of this client know no DeleteOptions outside of a group.
	body := `{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background"`
	if uid != "" {
		body += fmt.Sprintf(`,"preconditions":{"uid":%q}`, uid)
	}
	err = c.meta.Delete().AbsPath(path...).SetHeader("Content-Type", runtime.ContentTypeJSON).
		MaxRetries(0).Body([]byte(body + "}")).Do(ctx).Error()
	return describe("deleting", keyOf(gvk, ns, name), err)
}

// path is where an object is served; without a name, where its kind is.
//
// Names come from charts, and a URL is made of them: one with a slash in it, or "..", would lead to
// another object than the one that was checked.
func (c *Client) path(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) ([]string, error) {
	for what, s := range map[string]string{"namespace": ns, "name": name} {
		if wrong := content.IsPathSegmentName(s); len(wrong) > 0 {
			return nil, &model.Error{
				Kind: model.ErrInvalid, Reason: ReasonInvalidObject, Object: keyOf(gvk, ns, name),
				Msg: fmt.Sprintf("metadata.%s %s", what, strings.Join(wrong, ", ")),
			}
		}
	}
	m, err := c.kinds.mapping(ctx, gvk)
	if err != nil {
		return nil, err
	}
	return pathOf(m, ns, name), nil
}

func pathOf(m Mapping, ns, name string) []string {
	p := make([]string, 0, 8)
	if m.Resource.Group == "" {
		p = append(p, "api")
	} else {
		p = append(p, "apis", m.Resource.Group)
	}
	p = append(p, m.Resource.Version)
	if m.Namespaced && ns != "" {
		p = append(p, "namespaces", ns)
	}
	p = append(p, m.Resource.Resource)
	if name != "" {
		p = append(p, name)
	}
	return p
}

// rawOf is the body of an answer. Only Error decodes the Status of a refusal, which says whether the
// object or its kind is missing; Raw alone does not.
func rawOf(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}

func metaOf(r rest.Result) (*metav1.ObjectMeta, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	obj, err := r.Get()
	if err != nil {
		return nil, err
	}
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return nil, errors.New("the server answered with a " + fmt.Sprintf("%T", obj) + " instead of metadata")
	}
	return &m.ObjectMeta, nil
}

func keyOf(gvk schema.GroupVersionKind, ns, name string) model.ObjectKey {
	return model.ObjectKey{Group: gvk.Group, Kind: gvk.Kind, Namespace: ns, Name: name}
}
