package apply

import (
	"context"
	"encoding/json"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// prune deletes an object that its release no longer wants; the object being gone already, or
// being another one of the same name, is success.
func (a *Applier) prune(ctx context.Context, label string, c model.Change) error {
	a.claims.leave(c.Key, label)
	uid := c.UID
	if uid == "" || c.Unowned {
		m, err := a.look(ctx, c)
		if m == nil || err != nil {
			return gone(err)
		}
		if l := m.Labels[model.LabelRelease]; l != "" && l != label {
			return nil
		}
		uid = string(m.UID)
		if c.Unowned || model.Kept(m.Annotations) {
			return a.release(ctx, c, uid)
		}
	}
	err := a.retry(ctx, func(ctx context.Context) error {
		return gone(a.client.Delete(ctx, gvkOf(c), c.Key.Namespace, c.Key.Name, uid))
	})
	if err == nil && c.Key.Kind == kindCRD && c.Key.Group == groupCRD {
		a.client.Forget(c.Key.Name)
	}
	return err
}

// look reads the metadata of an object that no watch has shown.
func (a *Applier) look(ctx context.Context, c model.Change) (m *metav1.ObjectMeta, err error) {
	err = a.retry(ctx, func(ctx context.Context) error {
		m, err = a.client.GetMeta(ctx, gvkOf(c), c.Key.Namespace, c.Key.Name)
		return err
	})
	return m, err
}

// release takes our label off an object that is kept, so that it belongs to nobody. Its fields stay
// as they are, and stay ours, until someone else applies them.
func (a *Applier) release(ctx context.Context, c model.Change, uid string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": uid, "labels": map[string]any{model.LabelRelease: nil},
	}})
	if err != nil {
		return err
	}
	return gone(a.retry(ctx, func(ctx context.Context) error {
		_, err := a.client.Patch(ctx, gvkOf(c), c.Key.Namespace, c.Key.Name, "", types.MergePatchType, patch, model.FieldManager)
		return gone(err)
	}))
}

// gone takes the errors that say that there is nothing to delete for success: the object, its
// namespace or its kind do not exist, or the name has gone to another object.
func gone(err error) error {
	if model.KindOf(err) == model.ErrNotFound {
		return nil
	}
	switch model.ReasonOf(err, "") {
	case kube.ReasonUnknownKind, kube.ReasonChanged:
		return nil
	}
	return err
}
