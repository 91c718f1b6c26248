package ci

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func namespace(environment string) string { return "flask-app-" + environment }

// access gives each environment's jobs rights in their namespace, and nowhere else.
func (w *world) access(t *testing.T) {
	t.Helper()
	for _, e := range environments {
		ns := namespace(e)
		_, err := w.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.client.RbacV1().RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "deployer"},
			RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "admin"},
			Subjects:   []rbacv1.Subject{{APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: "gitlab:" + project + ":" + e}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// images are the images of a Deployment's pods, as the cluster has them.
func (w *world) image(t *testing.T, environment string) string {
	t.Helper()
	d, err := w.client.AppsV1().Deployments(namespace(environment)).Get(t.Context(), "flask-app", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, c := range d.Spec.Template.Spec.Containers {
		images = append(images, c.Image)
	}
	return strings.Join(images, " ")
}
