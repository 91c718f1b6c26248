package live

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// observation is what is taken from an object on arrival.
type observation struct {
	meta   *metav1.ObjectMeta
	health model.Health
}

// look takes from an object what is kept; ok is false for what is no object.
func (k *kind) look(obj runtime.Object) (observation, bool) {
	switch o := obj.(type) {
	case *metav1.PartialObjectMetadata:
		return observation{&o.ObjectMeta, k.healthOf(nil, &o.ObjectMeta)}, true
	case *unstructured.Unstructured:
		m := metaOf(o)
		unstructured.RemoveNestedField(o.Object, "metadata", "managedFields")
		return observation{m, k.healthOf(o, m)}, true
	case metav1.ObjectMetaAccessor:
		m, ok := o.GetObjectMeta().(*metav1.ObjectMeta)
		if !ok {
			return observation{}, false
		}
		kept := *m
		m.ManagedFields = nil
		trim(obj)
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
		if err != nil {
			return observation{&kept, model.Health{Status: model.Unknown, Message: err.Error()}}, true
		}
		u := &unstructured.Unstructured{Object: content}
		u.SetGroupVersionKind(k.gvk)
		return observation{&kept, k.healthOf(u, &kept)}, true
	}
	return observation{}, false
}

// trim drops the part of a workload that is large and says nothing of its health: converting it
// would cost more than all the rest of an event.
func trim(obj runtime.Object) {
	switch o := obj.(type) {
	case *appsv1.Deployment:
		o.Spec.Template = corev1.PodTemplateSpec{}
	case *appsv1.StatefulSet:
		o.Spec.Template = corev1.PodTemplateSpec{}
	case *appsv1.DaemonSet:
		o.Spec.Template = corev1.PodTemplateSpec{}
	case *appsv1.ReplicaSet:
		o.Spec.Template = corev1.PodTemplateSpec{}
	case *batchv1.Job:
		o.Spec.Template = corev1.PodTemplateSpec{}
	}
}

func (k *kind) healthOf(u *unstructured.Unstructured, m *metav1.ObjectMeta) model.Health {
	switch {
	case k.health != nil && u != nil:
		return k.health(u)
	case m.DeletionTimestamp != nil:
		return model.Health{Status: model.Progressing, Reason: "Terminating", Message: "being deleted"}
	}
	return model.Health{Status: model.Healthy}
}

// metaOf copies what is needed of the metadata of an object in JSON.
func metaOf(u *unstructured.Unstructured) *metav1.ObjectMeta {
	return &metav1.ObjectMeta{
		Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(),
		Labels: u.GetLabels(), Annotations: u.GetAnnotations(), DeletionTimestamp: u.GetDeletionTimestamp(),
		ManagedFields: u.GetManagedFields(),
	}
}

// liveOf puts an observation into the shape that is kept.
func (k *kind) liveOf(o observation) model.Live {
	m := o.meta
	return model.Live{
		Key:             model.ObjectKey{Group: k.gvk.Group, Kind: k.gvk.Kind, Namespace: m.Namespace, Name: m.Name},
		UID:             string(m.UID),
		ResourceVersion: m.ResourceVersion,
		Release:         m.Labels[model.LabelRelease],
		Fields:          kube.Fields(m, model.FieldManager),
		Deleting:        m.DeletionTimestamp != nil,
		Keep:            model.Kept(m.Annotations),
		Health:          o.health,
	}
}
