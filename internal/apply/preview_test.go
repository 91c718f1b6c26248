package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

func TestPreview(t *testing.T) {
	l := newLine(t)
	secret := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: hunter2}\n"
	l.sync(app + secret)
	_, err := l.others.CoreV1().Services(l.release.Namespace).Patch(l.ctx, "web", types.MergePatchType,
		[]byte(`{"spec":{"selector":{"tier":"x"}}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	must(t, err)
	l.nextDrift()
	l.installAs("helm", false, configMap("foreign", ", labels: {a: b}"))

	p, err := l.plan(strings.NewReplacer("replicas: 2", "replicas: 3", "hunter2", "hunter3").Replace(app+secret) +
		"---\n" + strings.Replace(configMap("foreign", ""), "a: b}\n", "a: c}\n", 1) + "---\n" + configMap("new", ""))
	must(t, err)
	p, err = l.applier.Preview(l.ctx, p, plan.Diff)
	must(t, err)
	got := map[string][]string{}
	for _, c := range p.Changes() {
		words := []string{string(c.Action)}
		for _, d := range c.Diffs {
			if strings.HasPrefix(d.Path, ".metadata.labels") {
				continue
			}
			words = append(words, d.Path+" "+d.Old+" -> "+d.New)
		}
		got[c.Key.Short()] = words
	}
	want := map[string][]string{
		"Deployment/web":     {"update", ".spec.replicas 2 -> 3"},
		"Service/web":        {"repair", `.spec.selector.tier "x" -> `},
		"ConfigMap/web":      {"unchanged"},
		"ServiceAccount/web": {"unchanged"},
		"Secret/web":         {"update", `.data.password "(hidden)" -> "(hidden, different)"`},
		"ConfigMap/foreign":  {"adopt", `.data.a "b" -> "c"`},
		"ConfigMap/new": {"create", `.apiVersion  -> "v1"`, `.data.a  -> "b"`, `.kind  -> "ConfigMap"`,
			`.metadata.name  -> "new"`, `.metadata.namespace  -> "` + l.release.Namespace + `"`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if l.exists("new") || *l.deployment().Spec.Replicas != 2 {
		t.Error("a preview wrote")
	}
}

// TestPreviewOfWhatComes shows a plan whose namespace and kind come with it.
func TestPreviewOfWhatComes(t *testing.T) {
	l := newLine(t)
	l.release.Namespace += "-new"
	p, err := l.plan(strings.ReplaceAll(widgets, "NAME", l.release.Name) + "---\n" + configMap("a", ""))
	must(t, err)
	p, err = l.applier.Preview(l.ctx, p, plan.Diff)
	must(t, err)
	for _, c := range p.Changes() {
		if c.Action != model.ActionCreate || len(c.Diffs) == 0 {
			t.Errorf("%s %s: %v", c.Action, c.Key, c.Diffs)
		}
	}
}
