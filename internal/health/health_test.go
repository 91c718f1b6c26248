package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// ruleCase is one object, as YAML, and how it does.
type ruleCase struct {
	name string
	obj  string
	want model.Health
}

func testRule(t *testing.T, cases []ruleCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Of(parse(t, tc.obj))); diff != "" {
				t.Errorf("Of (-want +got):\n%s", diff)
			}
		})
	}
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var obj map[string]any
	if err := yaml.Unmarshal([]byte(text), &obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

func prog(reason, message string) model.Health {
	return model.Health{Status: model.Progressing, Reason: reason, Message: message}
}

func TestHasRule(t *testing.T) {
	for _, tc := range []struct {
		group, kind string
		want        bool
	}{
		{"apps", "Deployment", true},
		{"", "Service", true},
		{"", "Namespace", true},
		{"", "ConfigMap", false},
		{"", "Secret", false},
		{"", "ServiceAccount", false},
		{"rbac.authorization.k8s.io", "ClusterRole", false},
		{"networking.k8s.io", "NetworkPolicy", false},
		{"networking.k8s.io", "Ingress", true},
		{"example.com", "Widget", true},
		{"bitnami.com", "SealedSecret", true},
	} {
		if got := HasRule(tc.group, tc.kind); got != tc.want {
			t.Errorf("HasRule(%q, %q) = %v, want %v", tc.group, tc.kind, got, tc.want)
		}
	}
}

func TestConditions(t *testing.T) {
	testRule(t, []ruleCase{
		{"nothing said", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {generation: 3}", healthy("")},
		{"no rule", "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}", healthy("")},
		{"deleting", "apiVersion: v1\nkind: ConfigMap\nmetadata: {deletionTimestamp: 2026-01-01T00:00:00Z}",
			prog("Terminating", "being deleted")},
		{"a completed job, deleting", "apiVersion: batch/v1\nkind: Job\nmetadata: {deletionTimestamp: 2026-01-01T00:00:00Z}\nstatus: {conditions: [{type: Complete, status: \"True\"}]}",
			healthy("completed")},
		{"a job on its way, deleting", "apiVersion: batch/v1\nkind: Job\nmetadata: {deletionTimestamp: 2026-01-01T00:00:00Z}\nstatus: {active: 1}",
			prog("Terminating", "being deleted")},
		{"old generation", `
apiVersion: example.com/v1
kind: Widget
metadata: {generation: 3}
status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"}]}`,
			prog("NotObserved", "generation 3 is not observed yet")},
		{"old generation in the condition", `
apiVersion: example.com/v1
kind: Widget
metadata: {generation: 3}
status: {conditions: [{type: Ready, status: "True", observedGeneration: 2}]}`,
			prog("NotObserved", "generation 3 is not observed yet")},
		{"ready", `
apiVersion: example.com/v1
kind: Widget
metadata: {generation: 3}
status: {observedGeneration: 3, conditions: [{type: Ready, status: "True"}]}`, healthy("")},
		{"not ready", `
apiVersion: example.com/v1
kind: Widget
status: {conditions: [{type: Ready, status: "False", reason: Pulling, message: "pulling\n things"}]}`,
			prog("Pulling", "pulling things")},
		{"reconciling", `
apiVersion: example.com/v1
kind: Widget
status: {conditions: [{type: Reconciling, status: "True", reason: Busy}, {type: Ready, status: "True"}]}`,
			prog("Busy", "Busy")},
		{"stalled", `
apiVersion: example.com/v1
kind: Widget
status: {conditions: [{type: Stalled, status: "True", reason: BadSpec, message: no such size}]}`,
			failed("BadSpec", "no such size")},
	})
}
