package health

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func unscheduled(message string) string {
	return `
phase: Pending
conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, lastTransitionTime: 2026-03-01T11:59:30Z, message: '` + message + `'}]`
}

func TestDiagnoseSchedule(t *testing.T) {
	testDiagnose(t, []diagnosisCase{
		{name: "cpu", spec: "containers: [{name: api, resources: {requests: {cpu: 64}}}, {name: side, resources: {requests: {cpu: 500m}}}]",
			status: unscheduled("0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."),
			want: `
Deployment/web 0/3 ready: Unschedulable final
object: no node fits
cause: 0 of 3 nodes fit: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu; the pod requests cpu 64500m
`},
		{name: "node selector, early", spec: "nodeSelector: {disk: ssd}\ncontainers: [{name: api}]",
			status:  unscheduled("0/1 nodes are available: 1 node(s) didn''t match Pod''s node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
			options: func(o *Options) { o.Since = now.Add(-3 * time.Second) },
			want: `
Deployment/web 0/3 ready: Unschedulable
object: no node fits
cause: 0 of 1 nodes fit: 1 node(s) didn't match Pod's node affinity/selector; nodeSelector disk=ssd
`},
		{name: "an autoscaler makes a node", spec: "containers: [{name: api}]", status: unscheduled("0/1 nodes are available: 1 Too many pods."),
			arrange: func(f *fixture) {
				f.events = []corev1.Event{{
					InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-new-x2k"}, Type: corev1.EventTypeNormal,
					Reason: "TriggeredScaleUp", Message: "pod triggered scale-up: [{pool 1->2 (max: 3)}]",
				}}
			},
			want: `
Deployment/web 0/3 ready: Unschedulable
object: no node fits
cause: 0 of 1 nodes fit: 1 Too many pods
event: TriggeredScaleUp: pod triggered scale-up: [{pool 1->2 (max: 3)}]
`},
		{name: "claim that does not exist", spec: "containers: [{name: api}]",
			status: unscheduled(`0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`),
			want: `
Deployment/web 0/3 ready: MissingVolumeClaim final
cause: PersistentVolumeClaim/data does not exist
`},
		{name: "claim without volume", spec: "containers: [{name: api}]\nvolumes: [{name: data, persistentVolumeClaim: {claimName: data}}]",
			status: unscheduled(`0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`),
			arrange: func(f *fixture) {
				f.objects[model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: "dev", Name: "data"}] = map[string]any{
					"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": map[string]any{"name": "data"}, "status": map[string]any{"phase": "Pending"},
				}
				f.warn("PersistentVolumeClaim", "data", "ProvisioningFailed", `storageclass.storage.k8s.io "fast" not found`, 7)
			},
			want: `
Deployment/web 0/3 ready: ProvisioningFailed final
object: waits for a volume: no storage class
cause: PersistentVolumeClaim/data: storageclass.storage.k8s.io "fast" not found
`},
		{name: "claim of a class that does not exist", spec: "containers: [{name: api}]\nvolumes: [{name: logs, persistentVolumeClaim: {claimName: logs}}, {name: data, persistentVolumeClaim: {claimName: data}}]",
			status: unscheduled(`0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`),
			arrange: func(f *fixture) {
				f.objects[model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: "dev", Name: "logs"}] = map[string]any{
					"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": map[string]any{"name": "logs"},
					"spec": map[string]any{"storageClassName": "local"}, "status": map[string]any{"phase": "Pending"},
				}
				f.warn("PersistentVolumeClaim", "logs", "WaitForFirstConsumer", "waiting for first consumer to be created before binding", 7)
				f.events[0].Type = corev1.EventTypeNormal
				f.objects[model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: "dev", Name: "data"}] = map[string]any{
					"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": map[string]any{"name": "data"},
					"spec": map[string]any{"storageClassName": "fast"}, "status": map[string]any{"phase": "Pending"},
				}
				f.warn("PersistentVolumeClaim", "data", "ProvisioningFailed", `storageclass.storage.k8s.io "fast" not found`, 7)
			},
			want: `
Deployment/web 0/3 ready: ProvisioningFailed final
object: waits for a volume of storage class fast
cause: PersistentVolumeClaim/data: storageclass.storage.k8s.io "fast" not found
`},
	})
}

// TestDiagnoseClaimNext: what to do about a claim depends on what its class is.
func TestDiagnoseClaimNext(t *testing.T) {
	key := model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: "dev", Name: "data"}
	for message, want := range map[string]string{
		`storageclass.storage.k8s.io "fast" not found`:                                                 "create StorageClass/fast, or correct storageClassName; kubectl get storageclass lists those there are",
		"no persistent volumes available for this claim and no storage class is set":                   "set storageClassName, or make a class the default one; kubectl get storageclass lists those there are",
		`failed to provision volume with StorageClass "fast": rpc error: code = Internal desc = quota`: "check the storage class and its provisioner",
	} {
		f := &fixture{objects: map[model.ObjectKey]map[string]any{key: parse(t, "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: dev}\nspec: {}\nstatus: {phase: Pending}\n")}}
		f.warn(key.Kind, key.Name, "ProvisioningFailed", message, 3)
		causes, err := Diagnose(t.Context(), f, key, Options{Now: now})
		if err != nil || len(causes) != 1 || causes[0].Next != want {
			t.Errorf("%s: %+v, %v", message, causes, err)
		}
	}
}
