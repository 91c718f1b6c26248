package health

import (
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestDeployment(t *testing.T) {
	testRule(t, []ruleCase{
		{"ready", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 4}
spec: {replicas: 3}
status: {observedGeneration: 4, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3}`,
			healthy("3/3 ready")},
		{"default of one replica, no status", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 1}
spec: {}`, prog("NotObserved", "generation 1 is not observed yet")},
		{"generation not observed though all are ready", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 5}
spec: {replicas: 3}
status: {observedGeneration: 4, replicas: 3, updatedReplicas: 3, availableReplicas: 3}`,
			prog("NotObserved", "generation 5 is not observed yet")},
		{"first pod updated", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 5}
spec: {replicas: 3}
status: {observedGeneration: 5, replicas: 4, updatedReplicas: 1, availableReplicas: 3}`,
			prog("PodsNotReady", "1/3 updated")},
		{"old pods left", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 5}
spec: {replicas: 3}
status: {observedGeneration: 5, replicas: 4, updatedReplicas: 3, availableReplicas: 4}`,
			prog("PodsNotReady", "3/3 updated, 1 old to stop")},
		{"two of three", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 5}
spec: {replicas: 3}
status: {observedGeneration: 5, replicas: 3, updatedReplicas: 3, availableReplicas: 2}`,
			prog("PodsNotReady", "2/3 ready")},
		{"scaled to zero", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 1}
spec: {replicas: 0}
status: {observedGeneration: 1}`, healthy("scaled to 0")},
		{"paused", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 2}
spec: {paused: true}
status: {observedGeneration: 2}`, suspended("Paused", "the rollout is paused")},
		{"progress deadline", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 2}
spec: {replicas: 3}
status:
  observedGeneration: 2
  replicas: 4
  updatedReplicas: 1
  availableReplicas: 3
  conditions:
  - {type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: 'ReplicaSet "web-1" has timed out progressing.'}`,
			failed("ProgressDeadlineExceeded", "1/3 updated, progress deadline exceeded")},
		{"gone back after the progress deadline", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 3}
spec: {replicas: 1}
status:
  observedGeneration: 3
  replicas: 2
  updatedReplicas: 1
  availableReplicas: 1
  conditions:
  - {type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: 'ReplicaSet "web-2" has timed out progressing.'}`,
			progressing("PodsNotReady", "1/1 updated, 1 old to stop")},
		{"quota", `
apiVersion: apps/v1
kind: Deployment
metadata: {generation: 2}
spec: {replicas: 1}
status:
  observedGeneration: 2
  conditions:
  - {type: ReplicaFailure, status: "True", reason: FailedCreate, message: 'pods "web-1-x" is forbidden: exceeded quota: small'}`,
			degraded("ReplicaFailure", `0/1 updated, pods "web-1-x" is forbidden: exceeded quota: small`)},
	})
}

func TestStatefulSet(t *testing.T) {
	testRule(t, []ruleCase{
		{"ready", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 1}
spec: {replicas: 2}
status: {observedGeneration: 1, replicas: 2, readyReplicas: 2, updatedReplicas: 2, currentRevision: a, updateRevision: a}`,
			healthy("2/2 ready")},
		{"rolling", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 3}
status: {observedGeneration: 2, replicas: 3, readyReplicas: 2, updatedReplicas: 1, currentRevision: a, updateRevision: b}`,
			prog("PodsNotReady", "1/3 updated, 2/3 ready")},
		{"partition done", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}
status: {observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}`,
			healthy("3/3 ready, 2 below the partition kept")},
		{"partition above the replicas", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 1, updateStrategy: {rollingUpdate: {partition: 5}}}
status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, currentRevision: a, updateRevision: b}`,
			healthy("1/1 ready, 1 below the partition kept")},
		{"on delete with old pods", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 3, updateStrategy: {type: OnDelete}}
status: {observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}`,
			healthy("3/3 ready, 2 old until deleted (OnDelete)")},
		{"on delete, one down", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 3, updateStrategy: {type: OnDelete}}
status: {observedGeneration: 2, replicas: 3, readyReplicas: 2}`, prog("PodsNotReady", "2/3 ready")},
		{"available counts with minReadySeconds", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 1, minReadySeconds: 10}
status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, availableReplicas: 0}`, prog("PodsNotReady", "0/1 ready")},
		{"scaling down", `
apiVersion: apps/v1
kind: StatefulSet
metadata: {generation: 2}
spec: {replicas: 1}
status: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 2}`, prog("PodsNotReady", "2/1 ready, 1 to stop")},
	})
}

func TestDaemonSet(t *testing.T) {
	testRule(t, []ruleCase{
		{"not seen", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {generation: 1}",
			prog("NotObserved", "generation 1 is not observed yet")},
		{"no node", `
apiVersion: apps/v1
kind: DaemonSet
metadata: {generation: 1}
status: {observedGeneration: 1}`, healthy("no node matches")},
		{"updating", `
apiVersion: apps/v1
kind: DaemonSet
metadata: {generation: 2}
status: {observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberAvailable: 3}`,
			prog("PodsNotReady", "1/3 updated")},
		{"starting", `
apiVersion: apps/v1
kind: DaemonSet
metadata: {generation: 2}
status: {observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2}`,
			prog("PodsNotReady", "2/3 ready")},
		{"on delete", `
apiVersion: apps/v1
kind: DaemonSet
metadata: {generation: 2}
spec: {updateStrategy: {type: OnDelete}}
status: {observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 0, numberAvailable: 3}`,
			healthy("3/3 ready, 3 old until deleted (OnDelete)")},
	})
}

func TestReplicaSet(t *testing.T) {
	testRule(t, []ruleCase{
		{"ready", `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {generation: 1}
spec: {replicas: 1}
status: {observedGeneration: 1, availableReplicas: 1}`, healthy("1/1 ready")},
		{"refused", `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {generation: 1}
spec: {replicas: 1}
status: {observedGeneration: 1, conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: forbidden}]}`,
			degraded("ReplicaFailure", "0/1 ready, forbidden")},
		{"controller", `
apiVersion: v1
kind: ReplicationController
metadata: {generation: 1}
spec: {replicas: 2}
status: {observedGeneration: 1, availableReplicas: 1}`, prog("PodsNotReady", "1/2 ready")},
	})
}

func TestPod(t *testing.T) {
	testRule(t, []ruleCase{
		{"ready", `
apiVersion: v1
kind: Pod
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}`, healthy("ready")},
		{"starting", `
apiVersion: v1
kind: Pod
spec: {containers: [{name: a}, {name: b}]}
status: {phase: Pending, containerStatuses: [{name: a, ready: true}, {name: b, state: {waiting: {reason: ContainerCreating}}}]}`,
			prog("PodsNotReady", "1/2 containers ready")},
		{"completed", "apiVersion: v1\nkind: Pod\nstatus: {phase: Succeeded}", healthy("completed")},
		{"evicted", `
apiVersion: v1
kind: Pod
status: {phase: Failed, reason: Evicted, message: 'The node was low on resource: memory. '}`,
			failed("Evicted", "The node was low on resource: memory.")},
		{"exit code", `
apiVersion: v1
kind: Pod
status: {phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 3}}}]}`,
			failed("PodFailed", "container main: exit 3")},
		{"crash loop", `
apiVersion: v1
kind: Pod
status: {phase: Running, containerStatuses: [{name: api, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}}]}`,
			degraded("CrashLoopBackOff", "container api: CrashLoopBackOff, 3 restarts")},
		{"init container's image", `
apiVersion: v1
kind: Pod
status: {phase: Pending, initContainerStatuses: [{name: migrate, state: {waiting: {reason: ImagePullBackOff}}}]}`,
			degraded("ImagePullBackOff", "container migrate: ImagePullBackOff")},
		{"unschedulable", `
apiVersion: v1
kind: Pod
status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: '0/1 nodes are available: 1 Insufficient cpu.'}]}`,
			prog("Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.")},
	})
}

func TestJob(t *testing.T) {
	testRule(t, []ruleCase{
		{"running", `
apiVersion: batch/v1
kind: Job
spec: {completions: 2}
status: {active: 1, succeeded: 1, failed: 1}`, prog("PodsNotReady", "1/2 completed, 1 running, 1 failed")},
		{"complete", `
apiVersion: batch/v1
kind: Job
status: {succeeded: 1, conditions: [{type: Complete, status: "True"}]}`, healthy("completed")},
		{"failed", `
apiVersion: batch/v1
kind: Job
status: {failed: 1, conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}`,
			failed("BackoffLimitExceeded", "Job has reached the specified backoff limit")},
		{"suspended", `
apiVersion: batch/v1
kind: Job
spec: {suspend: true}`, suspended("Suspended", "the job is suspended")},
		{"schedule", `
apiVersion: batch/v1
kind: CronJob
spec: {schedule: "*/5 * * * *"}`, healthy("schedule */5 * * * *")},
		{"schedule suspended", `
apiVersion: batch/v1
kind: CronJob
spec: {schedule: "*/5 * * * *", suspend: true}`, suspended("Suspended", "the schedule is suspended")},
	})
}

func TestVolumeClaim(t *testing.T) {
	testRule(t, []ruleCase{
		{"bound", "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {volumeName: pv1}\nstatus: {phase: Bound}", healthy("bound to pv1")},
		{"first consumer", "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {storageClassName: local}\nstatus: {phase: Pending}",
			model.Health{Status: model.Healthy, Reason: "WaitForFirstConsumer", Message: "waits for its first pod"}},
		{"provisioning", `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {annotations: {volume.kubernetes.io/storage-provisioner: ebs.csi.aws.com}}
spec: {storageClassName: gp3}
status: {phase: Pending}`, prog("Provisioning", "waits for a volume from ebs.csi.aws.com")},
		{"no class", "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {}\nstatus: {phase: Pending}",
			prog("Pending", "waits for a volume: no storage class")},
		{"lost", "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {volumeName: pv1}\nstatus: {phase: Lost}",
			failed("Lost", "its volume pv1 is gone")},
	})
}
