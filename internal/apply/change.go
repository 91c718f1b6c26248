package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// change carries out one change of the release with that label.
func (a *Applier) change(ctx context.Context, label string, c model.Change) model.Result {
	r := model.Result{Change: c}
	switch c.Action {
	case model.ActionPrune:
		r.Err = a.prune(ctx, label, c)
	default:
		var m *metav1.ObjectMeta
		if m, r.Err = a.apply(ctx, &r.Change); m != nil {
			r.UID, r.ResourceVersion = string(m.UID), m.ResourceVersion
			r.Fields = kube.Fields(m, model.FieldManager)
		}
	}
	if r.Err != nil {
		r.Err = origin(r.Err, c)
	}
	return r
}

// apply sends an object, and what its first apply needs beyond that. It returns metadata with an
// error when the object was written but what follows failed.
func (a *Applier) apply(ctx context.Context, c *model.Change) (*metav1.ObjectMeta, error) {
	gvk := gvkOf(*c)
	m, err := a.send(ctx, gvk, *c)
	if err != nil {
		return nil, err
	}
	if !c.Unowned && (c.Action == model.ActionCreate || c.Action == model.ActionAdopt) {
		if len(m.ManagedFields) > 1 {
			c.Action = model.ActionAdopt
		}
		if m, err = a.takeOver(ctx, gvk, *c, m); err != nil {
			return m, err
		}
	}
	if c.Key.Kind == kindCRD && c.Key.Group == groupCRD {
		return m, a.establish(ctx, gvk, *c)
	}
	return m, nil
}

// send is the one request of the usual case.
func (a *Applier) send(ctx context.Context, gvk schema.GroupVersionKind, c model.Change) (m *metav1.ObjectMeta, err error) {
	err = a.retry(ctx, func(ctx context.Context) error {
		m, err = a.client.Apply(ctx, gvk, c.Key.Namespace, c.Key.Name, c.Desired.Body, kube.ApplyOptions{
			Manager: model.FieldManager, Force: true,
		})
		if model.ReasonOf(err, "") == kube.ReasonUnknownKind && a.client.Learned(gvk) {
			// Established on one API server; this one has not heard of it yet.
			err = &model.Error{Kind: model.ErrTransient, Reason: kube.ReasonUnknownKind, Msg: "the server does not serve the kind yet", Err: err}
		}
		return err
	})
	return m, err
}

// origin adds where the object was written.
func origin(err error, c model.Change) error {
	var e *model.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", c.Key, err)
	}
	// The wrapping text only repeats what the action says.
	copied := *e
	copied.Object = c.Key
	if copied.File == "" && c.Desired != nil {
		copied.File, copied.Line = c.Desired.Origin.File, c.Desired.Origin.Line
	}
	return &copied
}

func gvkOf(c model.Change) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: c.Key.Group, Version: c.Version, Kind: c.Key.Kind}
}
