package apply_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const volumeClaim = `---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
`

// TestTakeOver lets another tool install a chart and Fairlead go on: no pod restarts, what the tool
// had and the chart lacks goes away, and what the chart drops later goes away too.
func TestTakeOver(t *testing.T) {
	for _, tool := range []struct {
		manager string
		apply   bool
	}{
		{"helm", false}, {"helm", true}, {"kubectl-client-side-apply", false}, {"argocd-controller", true}, {"kustomize-controller", true},
	} {
		name := tool.manager
		if tool.apply {
			name += " by apply"
		}
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			l := newLine(t)
			old := strings.NewReplacer(
				"{name: web, labels: {app: web}}", "{name: web, labels: {app: web, tool: old}}",
				"replicas: 2", "replicas: 2\n  minReadySeconds: 3",
			).Replace(app) + volumeClaim
			l.installAs(tool.manager, tool.apply, old)
			ns := l.release.Namespace
			_, err := l.others.AppsV1().Deployments(ns).Patch(l.ctx, "web", types.MergePatchType,
				[]byte(`{"metadata":{"annotations":{"person":"note"}}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
			must(t, err)
			before := l.deployment()

			actions, requests := l.sync(app + volumeClaim)
			t.Log(len(requests), "requests")
			for object, action := range actions {
				// A ServiceAccount without labels has no field that anyone could own.
				if action != model.ActionAdopt && object != "ServiceAccount/web" {
					t.Errorf("%s: %s, want adopt", object, action)
				}
			}
			after := l.deployment()
			if diff := cmp.Diff(before.Spec.Template, after.Spec.Template); diff != "" {
				t.Error("the pods' template changed:", diff)
			}
			if after.Labels["tool"] != "" || after.Spec.MinReadySeconds != 0 {
				t.Errorf("what only the old tool set is still there: %v, minReadySeconds %d", after.Labels, after.Spec.MinReadySeconds)
			}
			if after.Annotations["person"] != "note" {
				t.Error("what a person set is gone")
			}
			for _, e := range after.ManagedFields {
				if e.Manager == tool.manager {
					t.Errorf("%s still owns %s", e.Manager, e.FieldsV1)
				}
			}
			if actions, requests := l.sync(app + volumeClaim); len(requests) != 0 {
				t.Errorf("the takeover does not settle: %v %v", actions, requests)
			}
			l.sync(strings.Replace(app, ", {name: B, value: b}", "", 1) + volumeClaim)
			if env := l.deployment().Spec.Template.Spec.Containers[0].Env; len(env) != 1 {
				t.Errorf("a variable that the chart dropped is still there: %v", env)
			}
			if got := l.nextDrift(); got != "" {
				t.Errorf("%s drifts", got)
			}
		})
	}
}

func (l *line) deployment() *appsv1.Deployment {
	l.t.Helper()
	d, err := l.others.AppsV1().Deployments(l.release.Namespace).Get(l.ctx, "web", metav1.GetOptions{})
	must(l.t, err)
	return d
}

// installAs makes objects as another tool does: by apply, or by create as tools from before
// server-side apply.
func (l *line) installAs(manager string, apply bool, manifests string) {
	l.t.Helper()
	ns := l.release.Namespace
	for _, o := range objects(l.t, manifests) {
		var err error
		core := l.others.CoreV1()
		options := metav1.CreateOptions{FieldManager: manager}
		switch o.Key.Kind {
		case "Deployment":
			var d appsv1.Deployment
			must(l.t, json.Unmarshal(o.Body, &d))
			if apply {
				_, err = l.others.AppsV1().Deployments(ns).Patch(l.ctx, d.Name, types.ApplyPatchType, o.Body, metav1.PatchOptions{FieldManager: manager})
			} else {
				_, err = l.others.AppsV1().Deployments(ns).Create(l.ctx, &d, options)
			}
		case "Service":
			var s corev1.Service
			must(l.t, json.Unmarshal(o.Body, &s))
			_, err = core.Services(ns).Create(l.ctx, &s, options)
		case "ConfigMap":
			var c corev1.ConfigMap
			must(l.t, yaml.Unmarshal(o.Body, &c))
			_, err = core.ConfigMaps(ns).Create(l.ctx, &c, options)
		case "ServiceAccount":
			var s corev1.ServiceAccount
			must(l.t, json.Unmarshal(o.Body, &s))
			_, err = core.ServiceAccounts(ns).Create(l.ctx, &s, options)
		case "PersistentVolumeClaim":
			var c corev1.PersistentVolumeClaim
			must(l.t, json.Unmarshal(o.Body, &c))
			standard := "standard" // as the admission of a default storage class does
			c.Spec.StorageClassName = &standard
			_, err = core.PersistentVolumeClaims(ns).Create(l.ctx, &c, options)
		}
		must(l.t, err)
	}
}
