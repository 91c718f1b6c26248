package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

func configMap(name, extra string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + extra + "}\ndata: {a: b}\n"
}

func (l *line) exists(name string) bool {
	l.t.Helper()
	_, err := l.others.CoreV1().ConfigMaps(l.release.Namespace).Get(l.ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		l.t.Fatal(err)
	}
	return err == nil
}

func TestConflict(t *testing.T) {
	l := newLine(t)
	l.sync(configMap("shared", ""))
	other := *l
	other.inventory = nil
	other.release.ID.Name += "-other"
	l.count.take()
	_, results, err := other.run(configMap("shared", "") + "---\n" + configMap("own", ""))
	if model.KindOf(err) != model.ErrConflict || model.ReasonOf(err, "") != "ObjectClaimed" {
		t.Errorf("error %v", err)
	}
	if err != nil && !strings.Contains(err.Error(), "ConfigMap/shared: belongs to release "+l.release.ID.String()) {
		t.Errorf("%q does not name the other release", err)
	}
	if requests := l.count.take(); len(requests) != 0 || len(results) != 2 {
		t.Errorf("a refused plan wrote: %v; results %v", requests, results)
	}
}

// TestRace plans two releases that want the same new object before either is executed.
func TestRace(t *testing.T) {
	l := newLine(t)
	other := *l
	other.release.ID.Name += "-other"
	first, err := l.plan(configMap("shared", ""))
	must(t, err)
	second, err := other.plan(configMap("shared", "") + "---\n" + configMap("own", ""))
	must(t, err)
	_, err = l.applier.Execute(l.ctx, first, nil)
	must(t, err)
	if _, err = l.applier.Execute(l.ctx, second, nil); model.ReasonOf(err, "") != "ObjectClaimed" || l.exists("own") {
		t.Errorf("error %v", err)
	}
	_, err = l.applier.Execute(l.ctx, first, nil)
	must(t, err)
}

func TestPruneSparesWhatIsNotItsOwn(t *testing.T) {
	l := newLine(t)
	l.sync(configMap("helm-keeps", ", annotations: {helm.sh/resource-policy: keep}") + "---\n" +
		configMap("argo-keeps", ", annotations: {argocd.argoproj.io/sync-options: 'Validate=false,Prune=false'}") + "---\n" +
		configMap("replaced", "") + "---\n" + configMap("unlabelled", "") + "---\n" + configMap("stays", ""))
	configMaps := l.others.CoreV1().ConfigMaps(l.release.Namespace)
	// Someone deletes one and makes another of that name; it is told by the watch, so nothing of
	// the release is left to prune.
	must(t, configMaps.Delete(l.ctx, "replaced", metav1.DeleteOptions{}))
	_, err := configMaps.Patch(l.ctx, "unlabelled", types.MergePatchType,
		[]byte(`{"metadata":{"labels":{"`+model.LabelRelease+`":null}}}`), metav1.PatchOptions{})
	must(t, err)
	l.nextDrift()
	l.nextDrift()

	actions, _ := l.sync(configMap("stays", ""))
	t.Log(actions)
	want := map[string]bool{"helm-keeps": true, "argo-keeps": true, "unlabelled": false, "stays": true}
	got := map[string]bool{}
	for name := range want {
		got[name] = l.exists(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	l.nextDrift()
	if _, requests := l.sync(configMap("stays", "")); len(requests) != 0 {
		t.Errorf("kept objects are looked at again: %v", requests)
	}
	// What was kept belongs to nobody: another release may have it.
	other := *l
	other.inventory = nil
	other.release.ID.Name += "-other"
	other.sync(configMap("helm-keeps", ""))
}

func TestPruneOff(t *testing.T) {
	l := newLine(t)
	l.sync(configMap("a", "") + "---\n" + configMap("b", ""))
	l.release.Policy.Prune = false
	p, err := l.plan(configMap("a", ""))
	must(t, err)
	if !p.Empty() {
		t.Error("the plan prunes")
	}
	l.sync(configMap("a", ""))
	l.release.Policy.Prune = true
	if actions, _ := l.sync(configMap("a", "")); actions["ConfigMap/b"] != model.ActionPrune {
		t.Errorf("with pruning on again: %v", actions)
	}
}

func TestUninstall(t *testing.T) {
	l := newLine(t)
	l.sync(app)
	keys := plan.Keys(l.release, nil, l.inventory)
	seen, err := l.store.Observe(l.release.ID.Label(), keys)
	must(t, err)
	results, err := l.applier.Execute(l.ctx, plan.Uninstall(l.release, l.inventory, seen), nil)
	must(t, err)
	if len(results) != 4 || l.exists("web") {
		t.Errorf("%d results, object left: %v", len(results), l.exists("web"))
	}
	if _, err := l.others.CoreV1().Namespaces().Get(l.ctx, l.release.Namespace, metav1.GetOptions{}); err != nil {
		t.Error("the namespace went with the release:", err)
	}
	if left := plan.Inventory(l.inventory, results); len(left) != 0 {
		t.Errorf("left in the inventory: %v", left)
	}
}

// TestResume lets a run die between apply and record.
func TestResume(t *testing.T) {
	l := newLine(t)
	l.sync(configMap("a", ""))
	before := l.inventory
	l.sync(configMap("a", "") + "---\n" + configMap("b", ""))
	l.inventory = before // the record was never written
	if actions, _ := l.sync(configMap("a", "")); actions["ConfigMap/b"] != model.ActionPrune {
		t.Errorf("what was applied and not recorded: %v", actions)
	}
}

const widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.NAME.example.com}
spec:
  group: NAME.example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}, "a<b": {type: string}, parts: {type: array, items: {type: string}}}}
---
apiVersion: NAME.example.com/v1
kind: Widget
metadata: {name: one}
spec: {size: 1, parts: [q, p], "a<b": x}
`

func TestCustomKinds(t *testing.T) {
	l := newLine(t)
	manifests := strings.ReplaceAll(widgets, "NAME", l.release.Name)
	actions, requests := l.sync(manifests)
	if actions["Widget/one"] != model.ActionCreate {
		t.Errorf("%v", actions)
	}
	t.Log(requests)
	if got := l.nextDrift(); got != "" {
		t.Errorf("%s drifts", got)
	}
	if actions, requests := l.sync(manifests); len(requests) != 0 {
		t.Errorf("nothing to do: %v costs %v", actions, requests)
	}
	gvk := kindsOf(l.release.Name + ".example.com/v1 Widget")[0]
	for _, patch := range []string{`{"spec":{"size":7}}`, `{"spec":{"parts":["p","q"]}}`, `{"spec":{"a<b":null}}`} {
		_, err := l.client.Patch(l.ctx, gvk, l.release.Namespace, "one", "", types.MergePatchType, []byte(patch), "someone")
		must(t, err)
		l.until(patch+" is told as drift", func() bool {
			select {
			case e := <-l.events:
				return e.Drift && e.Key.Kind == "Widget"
			default:
				return false
			}
		})
		if actions, requests := l.sync(manifests); actions["Widget/one"] != model.ActionRepair || len(requests) != 1 {
			t.Errorf("%s: %v costs %v", patch, actions, requests)
		}
		if actions, requests := l.sync(manifests); len(requests) != 0 {
			t.Errorf("%s: the repair does not settle: %v costs %v", patch, actions, requests)
		}
	}
	_, _, err := l.run(strings.Replace(manifests, "size: 1,", "sise: 1,", 1))
	if model.ReasonOf(err, "") != "UnknownField" {
		t.Errorf("unknown field of a custom kind: %v", err)
	}
	if actions, _ := l.sync(""); len(actions) != 2 {
		t.Errorf("removing all: %v", actions)
	}
	l.until("the kind is gone", func() bool { return l.store.Ensure(l.ctx, gvk) == nil && !l.known(gvk.Kind, gvk.Group) })
	if _, err := l.plan(manifests[strings.Index(manifests, "---\n")+4:]); model.ReasonOf(err, "") != "UnknownKind" {
		t.Errorf("an object of a kind that is gone: %v", err)
	}
}

func (l *line) known(kind, group string) bool {
	l.client.Invalidate()
	caps, err := l.client.Capabilities(l.ctx)
	must(l.t, err)
	return strings.Contains(strings.Join(caps.APIVersions, " "), group+"/v1/"+kind)
}
