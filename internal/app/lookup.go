package app

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// objectReader reads an object as JSON, or without a name all of its kind.
type objectReader interface {
	GetUpTo(ctx context.Context, gvk schema.GroupVersionKind, ns, name string, limit int64) ([]byte, error)
}

// lookUpIn lets charts look into a cluster, with the rights of whoever deploys. A kind that the cluster
// does not have has no objects; what may not be read is an error.
func lookUpIn(c objectReader) render.LookUp {
	return func(ctx context.Context, q helm.Lookup, limit int64) ([]byte, error) {
		gv, err := schema.ParseGroupVersion(q.APIVersion)
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidLookup", Msg: "the chart looks up an API version that is none: " + q.APIVersion}
		}
		object, err := c.GetUpTo(ctx, gv.WithKind(q.Kind), q.Namespace, q.Name, limit)
		var e *model.Error
		switch {
		case model.KindOf(err) == model.ErrNotFound, model.ReasonOf(err, "") == kube.ReasonUnknownKind:
			return nil, nil
		case model.ReasonOf(err, "") == kube.ReasonTooLarge:
			return nil, render.ErrTooMuchFound
		case errors.As(err, &e) && e.Kind == model.ErrDenied:
			told := *e
			told.Next = "the chart reads this when it is rendered: fairlead chart rbac prints the Role that allows it"
			return nil, &told
		}
		return object, err
	}
}
