package app

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// What to do about an answer that may not be read: by whoever deploys, and by a controller.
const (
	deployerNext   = "the chart reads this when it is rendered: fairlead chart rbac prints the Role that allows it"
	controllerNext = "the chart reads this when it is rendered: bind a Role or ClusterRole with get (without a name: list) on the kind to the controller's service account"
)

// objectReader reads an object as JSON, or without a name all of its kind. It knows which kinds are in
// namespaces.
type objectReader interface {
	GetUpTo(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, limit int64) ([]byte, error)
	Scope(ctx context.Context, gvk schema.GroupVersionKind) (namespaced bool, err error)
}

// lookUpIn lets charts look into a cluster, with the rights of whoever deploys. A kind that the cluster
// does not have has no objects; what may not be read is an error, with next as the way out.
func lookUpIn(c objectReader, next string) render.LookUp {
	return func(ctx context.Context, _ model.Release, q helm.Lookup, limit int64) ([]byte, error) {
		gv, err := schema.ParseGroupVersion(q.APIVersion)
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidLookup", Msg: "the chart looks up an API version that is none: " + q.APIVersion}
		}
		namespaced, err := c.Scope(ctx, gv.WithKind(q.Kind))
		switch {
		case model.ReasonOf(err, "") == kube.ReasonUnknownKind:
			return nil, nil
		case err != nil:
			return nil, err
		case namespaced && q.Namespace == "" && q.Name != "":
			return nil, nil // there is no such object: helm finds none either
		}
		object, err := c.GetUpTo(ctx, gv.WithKind(q.Kind), q.Namespace, q.Name, limit)
		var e *model.Error
		switch {
		case model.KindOf(err) == model.ErrNotFound:
			return nil, nil
		case model.ReasonOf(err, "") == kube.ReasonUnknownKind:
			// The kind is known, and still nobody said that the object is missing: so does what stands
			// before an API server answer, and one whose kinds change now.
			return nil, &model.Error{Kind: model.ErrTransient, Reason: "LookupUnanswered", Msg: "the server answers that it has no such place, though it has the kind", Err: err}
		case model.ReasonOf(err, "") == kube.ReasonTooLarge:
			return nil, render.ErrTooMuchFound
		case errors.As(err, &e) && e.Kind == model.ErrDenied:
			told := *e
			told.Next = next
			return nil, &told
		}
		return object, err
	}
}

// lookUpFor lets charts that a controller renders look into a cluster: at what belongs to no namespace, and
// at the namespace that the release is in. A controller may read what those who write a chart may not, so
// that anything else is refused. as gives the client with a release's rights.
func lookUpFor(c objectReader, as func(serviceAccount string) (objectReader, error)) render.LookUp {
	return func(ctx context.Context, rel model.Release, q helm.Lookup, limit int64) ([]byte, error) {
		gv, err := schema.ParseGroupVersion(q.APIVersion)
		if err == nil && q.Namespace != rel.Namespace {
			namespaced, err := c.Scope(ctx, gv.WithKind(q.Kind))
			switch {
			case model.ReasonOf(err, "") == kube.ReasonUnknownKind:
				return nil, nil
			case err != nil:
				return nil, err
			case namespaced && (q.Namespace != "" || q.Name == ""):
				return nil, outside(rel, q)
			}
		}
		reader, err := as(rel.ServiceAccount)
		if err != nil {
			return nil, err
		}
		return lookUpIn(reader, controllerNext)(ctx, rel, q, limit)
	}
}

// outside refuses a look into other namespaces than the release's.
func outside(rel model.Release, q helm.Lookup) error {
	msg := fmt.Sprintf("release %q is in namespace %s: a chart may not read objects of other namespaces with the controller's rights", rel.Name, rel.Namespace)
	if q.Namespace == "" {
		msg = fmt.Sprintf("it asks for those of all namespaces, and release %q is in %s: a chart may not read objects of other namespaces with the controller's rights", rel.Name, rel.Namespace)
	}
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "LookupOutsideNamespace", Msg: msg,
		Next: "let the chart look into .Release.Namespace, or give it by values what it wants to know; fairlead deploy looks with the rights of whoever deploys",
	}
}

// readerFor gives the client that reads with a release's rights.
func readerFor(c *kube.Client) func(string) (objectReader, error) {
	return func(serviceAccount string) (objectReader, error) {
		if serviceAccount == "" {
			return c, nil
		}
		return c.As(serviceAccount)
	}
}
