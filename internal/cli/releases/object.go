package releases

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	helmfluxcd "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// request is one kind of object that asks for releases, and how it is read.
type request struct {
	kind     model.Kind
	resource schema.GroupVersionResource
	selector string // labels
	view     func(*unstructured.Unstructured) (View, error)
}

var requests = []request{
	{
		kind:     model.KindHelmRelease,
		resource: helmfluxcd.GroupVersion.WithResource("helmreleases"),
		view:     typed(viewHelmRelease),
	}, {
		kind:     model.KindApplication,
		resource: argo.GroupVersion.WithResource("applications"),
		view:     typed(viewApplication),
	}, {
		kind:     model.KindRoot,
		resource: corev1.SchemeGroupVersion.WithResource("configmaps"),
		selector: LabelRoot,
		view:     typed(viewRoot),
	},
}

// Resource is where the objects of a kind are; ok is false for a kind that is not known.
func Resource(kind model.Kind) (gvr schema.GroupVersionResource, ok bool) {
	for _, r := range requests {
		if r.kind == kind {
			return r.resource, true
		}
	}
	return gvr, false
}

// typed reads an object into its Go type before it is viewed.
func typed[T any](view func(*T) View) func(*unstructured.Unstructured) (View, error) {
	return func(u *unstructured.Unstructured) (View, error) {
		obj := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, obj); err != nil {
			return View{}, fmt.Errorf("reading %s %s/%s: %w", u.GetKind(), u.GetNamespace(), u.GetName(), err)
		}
		return view(obj), nil
	}
}

// viewOf is what all kinds have in common.
func viewOf(kind model.Kind, obj metav1.Object) View {
	return View{
		Kind: kind, Namespace: obj.GetNamespace(), Name: obj.GetName(), Status: Unknown,
		Environment: obj.GetLabels()[LabelEnvironment],
		Object:      types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()},
		CreatedAt:   obj.GetCreationTimestamp().UTC(),
	}
}

// unreadable is the view of an object that does not have the form of its kind; the others are shown
// all the same.
func unreadable(kind model.Kind, u *unstructured.Unstructured, err error) View {
	v := viewOf(kind, u)
	v.Message = err.Error()
	return v
}
