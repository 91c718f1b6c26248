package health

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestDiagnosePodGone(t *testing.T) {
	testDiagnose(t, []diagnosisCase{
		{name: "evicted", spec: apiSpec, status: `{phase: Failed, reason: Evicted, message: "The node was low on resource: ephemeral-storage. "}`, want: `
Deployment/web 0/3 ready: Evicted
object: Evicted
cause: The node was low on resource: ephemeral-storage.
`},
		{name: "node down", spec: "nodeName: n1\ncontainers: [{name: api}]", status: "phase: Running\ncontainerStatuses: [{name: api, ready: true, state: {running: {}}}]",
			arrange: func(f *fixture) {
				f.objects[model.ObjectKey{Kind: "Node", Name: "n1"}] = map[string]any{
					"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}}},
				}
			}, want: `
Deployment/web 0/3 ready: NodeNotReady
object: on Node/n1
cause: Node/n1 is not ready: Kubelet stopped posting node status.
`},
	})
}

// A failed read is told, never taken for "nothing is wrong".
func TestDiagnoseUnreadable(t *testing.T) {
	f := rollout(t, apiSpec, "phase: Running")
	f.denied[model.ObjectKey{Kind: "Pod"}] = true
	if _, err := Diagnose(t.Context(), f, webKey, Options{Now: now}); err == nil {
		t.Error("forbidden pods gave no error")
	}
}

func TestDiagnoseStatefulSet(t *testing.T) {
	key := model.ObjectKey{Group: "apps", Kind: "StatefulSet", Namespace: "dev", Name: "db"}
	yes := true
	pod := func(name, revision, reason string) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "dev", Labels: map[string]string{"app": "db", labelRevisionHash: revision},
				OwnerReferences: []metav1.OwnerReference{{UID: "s1", Controller: &yes}}, CreationTimestamp: metav1.NewTime(now.Add(-time.Minute))},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: "db:1"}}},
			Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
				Name: "db", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "not found"}}}}},
		}
	}
	f := &fixture{objects: map[model.ObjectKey]map[string]any{key: parse(t, `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: dev, uid: s1, generation: 2}
spec: {replicas: 2, selector: {matchLabels: {app: db}}}
status: {observedGeneration: 2, replicas: 2, readyReplicas: 0, currentRevision: a, updateRevision: b, updatedReplicas: 1}`)}}
	for _, tc := range []struct {
		name string
		pods []corev1.Pod
		want string
	}{
		{"the new pod fails", []corev1.Pod{pod("db-0", "a", "CrashLoopBackOff"), pod("db-1", "b", "ErrImagePull")}, "image db:1: not found in docker.io"},
		{"an old pod holds the update up", []corev1.Pod{pod("db-0", "a", "ErrImagePull")},
			"pod db-0 still runs the revision that was left (image db:1: not found in docker.io), and Kubernetes does not replace it by itself"},
	} {
		f.pods = tc.pods
		causes, err := Diagnose(t.Context(), f, key, Options{Now: now})
		if err != nil || len(causes) != 1 || causes[0].Root() != tc.want {
			t.Errorf("%s: causes %+v, error %v", tc.name, causes, err)
		}
	}
}
