package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	hr "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	must(t, err)
	u := &unstructured.Unstructured{}
	must(t, u.UnmarshalJSON(raw))
	return u
}

func helmReleaseAt(t *testing.T, name, version, generation, more string) *unstructured.Unstructured {
	t.Helper()
	return object(t, `{apiVersion: helm.fluxcd.io/v1, kind: HelmRelease, metadata: {namespace: dev, name: `+name+
		`, uid: u-`+name+`, resourceVersion: "`+version+`", generation: `+generation+`}`+more+`}`)
}

// store is a requests store that notes whom it called.
func store() (*requests[hr.HelmRelease, *hr.HelmRelease], func() []string) {
	var called []string
	s := newRequests[hr.HelmRelease](model.KindHelmRelease, func(ids ...model.ReleaseID) {
		for _, id := range ids {
			called = append(called, id.Name)
		}
	}, regenerated)
	return s, func() []string { out := called; called = nil; return out }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRequestsCallForTurns(t *testing.T) {
	s, called := store()
	want := func(what string, names ...string) {
		t.Helper()
		if diff := cmp.Diff(names, called()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	must(t, s.Add(helmReleaseAt(t, "web", "9", "1", "")))
	want("a new request", "web")
	must(t, s.Update(helmReleaseAt(t, "web", "10", "1", ", status: {phase: Succeeded}")))
	want("a status")
	must(t, s.Update(helmReleaseAt(t, "web", "9", "2", "")))
	want("an older version, which came late")
	must(t, s.Update(helmReleaseAt(t, "web", "11", "2", "")))
	want("another spec", "web")

	asked := helmReleaseAt(t, "web", "12", "2", "")
	asked.SetAnnotations(map[string]string{model.AnnotationSync: "now"})
	must(t, s.Update(asked))
	want("a sync", "web")
	other := asked.DeepCopy()
	other.SetResourceVersion("13")
	other.SetAnnotations(map[string]string{model.AnnotationSync: "now", "example.com/note": "x"})
	must(t, s.Update(other))
	want("an annotation of somebody else")

	must(t, s.Delete(helmReleaseAt(t, "web", "14", "2", "")))
	want("a deletion", "web")
	must(t, s.Add(helmReleaseAt(t, "web", "15", "1", "")))
	want("made anew", "web")
}

// TestApplicationsCallForTurns: an Application's status is part of it, so that every write of ours
// raises its generation, and the watch may tell of it before the write is answered.
func TestApplicationsCallForTurns(t *testing.T) {
	turns := 0
	s := newRequests[argo.Application](model.KindApplication, func(ids ...model.ReleaseID) { turns += len(ids) }, respecified)
	version := 10
	for _, step := range []struct {
		what, more string
		want       int
	}{
		{"a new one", "spec: {project: a}", 1},
		{"a status", "spec: {project: a}, status: {reconciledAt: 2026-01-01T00:00:00Z}", 0},
		{"another spec", "spec: {project: b}", 1},
		{"a field that is not acted upon", "spec: {project: b, novel: true}", 1},
		{"an operation", "spec: {project: b, novel: true}, operation: {sync: {revision: x}}", 1},
		{"the operation is done", "spec: {project: b, novel: true}", 0},
		{"a spec that does not fit", "spec: [b]", 1},
		{"another that does not", "spec: {project: [b]}", 1},
	} {
		version, turns = version+1, 0
		must(t, s.Update(object(t, fmt.Sprintf(`{apiVersion: argoproj.io/v1alpha1, kind: Application,
			metadata: {namespace: argocd, name: web, uid: u, resourceVersion: "%d", generation: %d}, %s}`, version, version, step.more))))
		if turns != step.want {
			t.Errorf("%s called for %d turns, want %d", step.what, turns, step.want)
		}
	}
}

func TestRequestsPut(t *testing.T) {
	s, called := store()
	id := releaseID("web")
	must(t, s.Add(helmReleaseAt(t, "web", "10", "1", "")))
	called()
	req, _ := s.Get(id)
	wrote := *req.Object
	wrote.ResourceVersion, wrote.Status.Phase = "12", "Succeeded"
	s.Put(&wrote)
	must(t, s.Update(helmReleaseAt(t, "web", "12", "1", ", status: {phase: Succeeded}"))) // its echo
	must(t, s.Update(helmReleaseAt(t, "web", "11", "1", "")))
	if req, _ := s.Get(id); req.Object.Status.Phase != "Succeeded" {
		t.Error("an older version took the place of what was written")
	}
	must(t, s.Replace([]any{helmReleaseAt(t, "web", "11", "1", "")}, "11"))
	if req, _ := s.Get(id); req.Object.Status.Phase != "Succeeded" {
		t.Error("an older list took the place of what was written")
	}
	if got := called(); len(got) != 0 {
		t.Errorf("our own status called for turns of %v", got)
	}
	must(t, s.Delete(helmReleaseAt(t, "web", "13", "1", "")))
	wrote.ResourceVersion = "14"
	s.Put(&wrote)
	if _, found := s.Get(id); found {
		t.Error("a write brought a deleted request back")
	}
}

func TestRequestsReplace(t *testing.T) {
	s, called := store()
	for _, name := range []string{"stays", "goes", "changes"} {
		must(t, s.Add(helmReleaseAt(t, name, "5", "1", "")))
	}
	called()
	if s.Synced() {
		t.Error("synced before a list was complete")
	}
	must(t, s.Replace([]any{
		helmReleaseAt(t, "stays", "6", "1", ""), helmReleaseAt(t, "changes", "7", "2", ""), helmReleaseAt(t, "comes", "8", "1", ""),
	}, "8"))
	got := map[string]bool{}
	for _, name := range called() {
		got[name] = true
	}
	if diff := cmp.Diff(map[string]bool{"goes": true, "changes": true, "comes": true}, got); diff != "" || !s.Synced() || len(s.IDs()) != 3 {
		t.Errorf("a list called for (-want +got):\n%s, and leaves %v", diff, s.IDs())
	}
	if err := s.Replace([]any{"no object"}, "9"); err == nil || len(s.IDs()) != 3 {
		t.Errorf("a list that cannot be read gave %v and left %v", err, s.IDs())
	}
}

func TestRequestsTellWhatIsWrong(t *testing.T) {
	s, _ := store()
	must(t, s.Add(helmReleaseAt(t, "odd", "1", "1", ", spec: {chart: {git: u, path: p, branch: main}}")))
	if req, _ := s.Get(releaseID("odd")); req.Invalid != nil || len(req.Unsupported) != 1 || req.Unsupported[0] != "spec.chart.branch" {
		t.Errorf("unknown fields are told as %v, %v", req.Unsupported, req.Invalid)
	}
	must(t, s.Add(helmReleaseAt(t, "wrong", "1", "3", ", spec: {chart: [no, map], values: {password: hunter2}}")))
	req, found := s.Get(releaseID("wrong"))
	if !found || model.KindOf(req.Invalid) != model.ErrInvalid || req.Object.Generation != 3 || req.Object.Name != "wrong" {
		t.Fatalf("what does not fit is told as %v of %+v", req.Invalid, req.Object)
	}
	if strings.Contains(req.Invalid.Error(), "hunter2") {
		t.Errorf("the error quotes a value: %v", req.Invalid)
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"10", "9", true}, {"9", "10", false}, {"10", "10", false}, {"11", "10", true}, {"1", "", true}} {
		if got := newer(c.a, c.b); got != c.want {
			t.Errorf("newer(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// TestUpToDate: a write that ran into a change is done again on what the watch told of it, and a
// conflict that the watch does not explain is told.
func TestUpToDate(t *testing.T) {
	s, _ := store()
	must(t, s.Add(helmReleaseAt(t, "web", "10", "1", "")))
	var on []string
	err := upToDate(t.Context(), s, releaseID("web"), func() error {
		req, _ := s.Get(releaseID("web"))
		on = append(on, req.Object.ResourceVersion)
		if len(on) > 1 {
			return nil
		}
		must(t, s.Update(helmReleaseAt(t, "web", "11", "2", "")))
		return &model.Error{Kind: model.ErrConflict}
	})
	if diff := cmp.Diff([]string{"10", "11"}, on); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := upToDate(ended, s, releaseID("web"), func() error { return &model.Error{Kind: model.ErrConflict} }); model.KindOf(err) != model.ErrConflict {
		t.Errorf("an unexplained conflict gives %v", err)
	}
}

func TestOnVersion(t *testing.T) {
	for patch, want := range map[string]string{
		`{"status":{"phase":"x"}}`:                      `{"metadata":{"resourceVersion":"7"},"status":{"phase":"x"}}`,
		`{"metadata":{"annotations":{"a":null}}}`:       `{"metadata":{"annotations":{"a":null},"resourceVersion":"7"}}`,
		`{"metadata":{"finalizers":["a"]},"spec":null}`: `{"metadata":{"finalizers":["a"],"resourceVersion":"7"},"spec":null}`,
	} {
		if got, err := onVersion([]byte(patch), "7"); err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v", patch, got, err)
		}
	}
}
