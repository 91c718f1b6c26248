package apply_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestDrift holds the rule of package live against a real API server: which changes by others are
// drift, and that a repair costs one request an object and settles.
func TestDrift(t *testing.T) {
	l := newLine(t)
	l.sync(app)
	ns := l.release.Namespace
	deployments, services, configMaps := l.others.AppsV1().Deployments(ns), l.others.CoreV1().Services(ns), l.others.CoreV1().ConfigMaps(ns)
	merge := func(sub, patch string) func() error {
		return func() error {
			subs := []string{}
			if sub != "" {
				subs = append(subs, sub)
			}
			_, err := deployments.Patch(l.ctx, "web", types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"}, subs...)
			return err
		}
	}
	jsonPatch := func(patch string) func() error {
		return func() error {
			_, err := deployments.Patch(l.ctx, "web", types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-patch"})
			return err
		}
	}
	const container = "/spec/template/spec/containers/0"
	for _, tc := range []struct {
		name  string
		do    func() error
		drift string // object; empty: none
	}{
		{"image", jsonPatch(`[{"op":"replace","path":"` + container + `/image","value":"registry.local/web:2"}]`), "Deployment/web"},
		{"an argument more in an atomic list", jsonPatch(`[{"op":"add","path":"` + container + `/args/-","value":"--slow"}]`), "Deployment/web"},
		{"value of a variable", jsonPatch(`[{"op":"replace","path":"` + container + `/env/0/value","value":"z"}]`), "Deployment/web"},
		{"variable removed", jsonPatch(`[{"op":"remove","path":"` + container + `/env/1"}]`), "Deployment/web"},
		{"resources changed", jsonPatch(`[{"op":"replace","path":"` + container + `/resources/requests/cpu","value":"20m"}]`), "Deployment/web"},
		{"probe removed", jsonPatch(`[{"op":"remove","path":"` + container + `/livenessProbe"}]`), "Deployment/web"},
		{"container added", jsonPatch(`[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"x","image":"x"}}]`), ""},
		{"container added, removed", jsonPatch(`[{"op":"remove","path":"/spec/template/spec/containers/1"}]`), ""},
		{"variable added", jsonPatch(`[{"op":"add","path":"` + container + `/env/-","value":{"name":"C","value":"c"}}]`), ""},
		{"scaled by its subresource", merge("scale", `{"spec":{"replicas":5}}`), "Deployment/web"},
		{"replicas patched", merge("", `{"spec":{"replicas":3}}`), "Deployment/web"},
		{"same value", merge("", `{"spec":{"replicas":2}}`), ""},
		{"defaulted field changed", merge("", `{"spec":{"revisionHistoryLimit":3}}`), ""},
		{"label of ours changed", merge("", `{"metadata":{"labels":{"app":"other"}}}`), "Deployment/web"},
		{"label of ours removed", merge("", `{"metadata":{"labels":{"app":null}}}`), "Deployment/web"},
		{"foreign label", merge("", `{"metadata":{"labels":{"theirs":"x"}}}`), ""},
		{"foreign annotation", merge("", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}}`), ""},
		{"rollout restart", merge("", `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}`), ""},
		{"template annotation of ours", merge("", `{"spec":{"template":{"metadata":{"annotations":{"note":"two"}}}}}`), "Deployment/web"},
		{"release label removed", merge("", `{"metadata":{"labels":{"`+model.LabelRelease+`":null}}}`), "Deployment/web"},
		{"status", merge("status", `{"status":{"observedGeneration":99}}`), ""},
		{"managed fields wiped", merge("", `{"metadata":{"managedFields":[{}]}}`), "Deployment/web"},
		{"config changed", func() error {
			_, err := configMaps.Patch(l.ctx, "web", types.MergePatchType, []byte(`{"data":{"key":"x"}}`), metav1.PatchOptions{})
			return err
		}, "ConfigMap/web"},
		{"config key added", func() error {
			_, err := configMaps.Patch(l.ctx, "web", types.MergePatchType, []byte(`{"data":{"other":"x"}}`), metav1.PatchOptions{})
			return err
		}, ""},
		{"config replaced", func() error {
			c, err := configMaps.Get(l.ctx, "web", metav1.GetOptions{})
			if err != nil {
				return err
			}
			c.Data = map[string]string{"new": "x"}
			_, err = configMaps.Update(l.ctx, c, metav1.UpdateOptions{})
			return err
		}, "ConfigMap/web"},
		{"port changed", func() error {
			_, err := services.Patch(l.ctx, "web", types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/ports/0/targetPort","value":81}]`), metav1.PatchOptions{})
			return err
		}, "Service/web"},
		{"selector gained a key", func() error {
			_, err := services.Patch(l.ctx, "web", types.MergePatchType, []byte(`{"spec":{"selector":{"tier":"x"}}}`), metav1.PatchOptions{})
			return err
		}, "Service/web"},
		{"deleted", func() error { return services.Delete(l.ctx, "web", metav1.DeleteOptions{}) }, "Service/web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			must(t, tc.do())
			start := time.Now()
			got := l.nextDrift()
			if got != tc.drift {
				t.Fatalf("drift of %q, want %q", got, tc.drift)
			}
			if tc.drift == "" {
				return
			}
			seen := time.Since(start)
			actions, requests := l.sync(app)
			if actions[tc.drift] != model.ActionRepair || len(requests) != 1 {
				t.Errorf("repair: %v costs %v", actions, requests)
			}
			t.Logf("seen after %v, repaired after %v", seen, time.Since(start))
			if got := l.nextDrift(); got != "" {
				t.Errorf("after the repair %s drifts", got)
			}
			if actions, requests := l.sync(app); len(requests) != 0 {
				t.Errorf("the repair does not settle: %v costs %v", actions, requests)
			}
		})
	}
}

// nextDrift gives the object of the next drift event. That there is none is known when a change
// made after it has been told by the same watches.
func (l *line) nextDrift() string {
	l.t.Helper()
	fences := l.fence()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e := <-l.events:
			if e.Drift && e.Release == l.release.ID.Label() {
				return e.Key.Short()
			}
			delete(fences, e.Key)
			if len(fences) == 0 {
				return ""
			}
		case <-deadline:
			l.t.Fatal("the watches tell nothing")
		}
	}
}
