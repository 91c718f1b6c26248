package live

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func deployment() *appsv1.Deployment {
	one := int32(1)
	labels := map[string]string{"app": "web", "chart": "web-1.0.0"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Generation: 2, Labels: map[string]string{model.LabelRelease: "r"}},
		Spec: appsv1.DeploymentSpec{Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "web", Image: "web:1", Args: []string{"a", "b"}, Env: []corev1.EnvVar{{Name: "A", Value: "a"}, {Name: "B", Value: "b"}},
				Ports:         []corev1.ContainerPort{{ContainerPort: 80, Name: "http"}},
				Resources:     corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("10m")}},
				LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/"}}},
			}}},
		}},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, Conditions: []appsv1.DeploymentCondition{{Type: "Available", Status: "True"}}},
	}
}

// TestLook holds what a health function gets to see of a built-in kind.
func TestLook(t *testing.T) {
	var seen *unstructured.Unstructured
	k := &kind{gvk: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}}
	k.health = func(u *unstructured.Unstructured) model.Health { seen = u; return model.Health{Status: model.Degraded} }
	d := deployment()
	d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: model.FieldManager, Operation: "Apply", FieldsV1: metav1.NewFieldsV1(`{"f:a":{}}`)}}
	o, ok := k.look(d)
	if !ok || o.health.Status != model.Degraded || k.liveOf(o).Fields == "" || k.liveOf(o).Release != "r" {
		t.Errorf("%v %+v", ok, k.liveOf(o))
	}
	if seen.GetKind() != "Deployment" || seen.GetAPIVersion() != "apps/v1" || seen.GetGeneration() != 2 {
		t.Errorf("health sees %v", seen.Object)
	}
	if n, _, _ := unstructured.NestedInt64(seen.Object, "status", "observedGeneration"); n != 2 {
		t.Error("health does not see the status")
	}
}

func BenchmarkLook(b *testing.B) {
	k := &kind{gvk: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}}
	k.health = func(*unstructured.Unstructured) model.Health { return model.Health{} }
	b.ReportAllocs()
	for range b.N {
		b.StopTimer()
		d := deployment()
		b.StartTimer()
		k.look(d)
	}
}
