package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// now is when the diagnoses of the tests are made; the pods are a minute old then.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rollout is a Deployment with a current ReplicaSet, in its second revision, and what a case adds.
func rollout(t *testing.T, podSpec, podStatus string) *fixture {
	t.Helper()
	f := &fixture{
		objects: map[model.ObjectKey]map[string]any{},
		logs:    map[string]string{}, secrets: map[string]map[string]string{}, configs: map[string]map[string]string{},
		denied: map[model.ObjectKey]bool{},
	}
	f.objects[webKey] = parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: dev, uid: d1, generation: 2, annotations: {deployment.kubernetes.io/revision: "2"}}
spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: []}}}
status: {observedGeneration: 2, replicas: 4, updatedReplicas: 1, availableReplicas: 3}`)
	f.sets = []appsv1.ReplicaSet{replicaSetOf("1", "old", 3), replicaSetOf("2", "new", 1)}
	if podSpec == "" {
		return f
	}
	var p corev1.Pod
	if err := yaml.Unmarshal([]byte("spec:\n"+indent(podSpec)+"\nstatus:\n"+indent(podStatus)), &p); err != nil {
		t.Fatal(err)
	}
	p.ObjectMeta = podMeta("web-new-x2k", "new")
	old := corev1.Pod{ObjectMeta: podMeta("web-old-abc", "old")}
	old.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}
	f.pods = []corev1.Pod{p, old}
	return f
}

func indent(s string) string { return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") }

func replicaSetOf(revision, hash string, replicas int32) appsv1.ReplicaSet {
	yes := true
	labels := map[string]string{"app": "web", labelTemplateHash: hash}
	return appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-" + hash, Namespace: "dev", UID: types.UID("rs-" + hash),
			Labels: labels, Annotations: map[string]string{annRevision: revision},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "d1", Controller: &yes}},
		},
		Spec:   appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}},
		Status: appsv1.ReplicaSetStatus{Replicas: replicas},
	}
}

func podMeta(name, hash string) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{
		Name: name, Namespace: "dev", UID: types.UID("p-" + hash), Labels: map[string]string{"app": "web", labelTemplateHash: hash},
		CreationTimestamp: metav1.NewTime(now.Add(-time.Minute)),
		OwnerReferences:   []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-" + hash, UID: types.UID("rs-" + hash), Controller: &yes}},
	}
}

func (f *fixture) warn(kind, name, reason, message string, count int32) {
	f.events = append(f.events, corev1.Event{
		InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name, Namespace: "dev"},
		Type:           corev1.EventTypeWarning, Reason: reason, Message: message, Count: count,
		FirstTimestamp: metav1.NewTime(now.Add(-50 * time.Second)), LastTimestamp: metav1.NewTime(now.Add(-5 * time.Second)),
	})
}

// told is a cause as the tests compare it: its chain, one link a line, without what all share.
func told(c model.Cause) string {
	var b strings.Builder
	final := ""
	if c.Final {
		final = " final"
	}
	fmt.Fprintf(&b, "%s %s: %s%s\n", c.Object.Short(), c.Summary, c.Reason, final)
	for _, l := range c.Links {
		if l.Object.Kind == "ReplicaSet" && l.Role == model.RoleObject {
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", l.Role, l.Text)
	}
	return b.String()
}

type diagnosisCase struct {
	name    string
	spec    string // of the pod
	status  string // of the pod
	arrange func(*fixture)
	options func(*Options)
	want    string
}

func testDiagnose(t *testing.T, cases []diagnosisCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := rollout(t, tc.spec, tc.status)
			if tc.arrange != nil {
				tc.arrange(f)
			}
			o := Options{Now: now}
			if tc.options != nil {
				tc.options(&o)
			}
			causes, err := Diagnose(t.Context(), f, webKey, o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range causes {
				got = append(got, told(c))
			}
			want := strings.TrimLeft(tc.want, "\n")
			if diff := cmp.Diff(want, strings.Join(got, "")); diff != "" {
				t.Errorf("causes (-want +got):\n%s", diff)
			}
		})
	}
}

// jobFixture is a migration that failed for good.
func jobFixture(t *testing.T) (*fixture, model.ObjectKey) {
	t.Helper()
	key := model.ObjectKey{Group: "batch", Kind: "Job", Namespace: "dev", Name: "migrate"}
	yes := true
	f := &fixture{objects: map[model.ObjectKey]map[string]any{key: parse(t, `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: dev, uid: j1}
spec: {backoffLimit: 1}
status: {failed: 2, conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}`)}}
	for i, name := range []string{"migrate-a", "migrate-b"} {
		f.pods = append(f.pods, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "dev", Labels: map[string]string{labelControllerUID: "j1"},
				CreationTimestamp: metav1.NewTime(now.Add(time.Duration(i-10) * time.Second)),
				OwnerReferences:   []metav1.OwnerReference{{Kind: "Job", Name: "migrate", UID: "j1", Controller: &yes}},
			},
			Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "migrate"}}},
			Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{
				Name: "migrate", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"}},
			}}},
		})
	}
	f.logs = map[string]string{
		"migrate-a/migrate": "first try\n",
		"migrate-b/migrate": "applying 0007_users.sql\nERROR: relation \"users\" already exists\n",
	}
	return f, key
}

func TestDiagnoseJob(t *testing.T) {
	f, key := jobFixture(t)
	causes, err := Diagnose(t.Context(), f, key, Options{Now: now})
	if err != nil || len(causes) != 1 {
		t.Fatalf("causes %+v, error %v", causes, err)
	}
	want := `Job/migrate Job has reached the specified backoff limit: ContainerFailed final
object: failed 2 times (backoffLimit 1)
object: container migrate: exit 2
log: applying 0007_users.sql
ERROR: relation "users" already exists
cause: ERROR: relation "users" already exists
`
	if diff := cmp.Diff(want, told(causes[0])); diff != "" {
		t.Errorf("cause (-want +got):\n%s", diff)
	}
}
