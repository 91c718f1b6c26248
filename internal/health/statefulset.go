package health

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// statefulSet counts a pod as done only when it runs the update revision, except where the
// strategy leaves that to others: OnDelete, and ordinals below the partition.
func statefulSet(c content) model.Health {
	if c.unobserved() {
		return notObserved(c)
	}
	want, ready := c.numOr(1, "spec", "replicas"), c.num("status", "readyReplicas")
	if c.num("spec", "minReadySeconds") > 0 {
		ready = c.num("status", "availableReplicas")
	}
	counts := fmt.Sprintf("%d/%d ready", ready, want)
	updated := c.num("status", "updatedReplicas")
	if c.str("spec", "updateStrategy", "type") == "OnDelete" {
		if ready < want {
			return progressing(ReasonPodsNotReady, "%s", counts)
		}
		if old := want - updated; old > 0 && c.str("status", "updateRevision") != c.str("status", "currentRevision") {
			return healthy(fmt.Sprintf("%s, %d old until deleted (OnDelete)", counts, old))
		}
		return healthy(scaled(counts, want))
	}
	partition := min(c.num("spec", "updateStrategy", "rollingUpdate", "partition"), want)
	toUpdate := want - partition
	switch {
	case updated < toUpdate && c.str("status", "updateRevision") != c.str("status", "currentRevision"):
		return progressing(ReasonPodsNotReady, "%d/%d updated, %s", updated, toUpdate, counts)
	case ready < want:
		return progressing(ReasonPodsNotReady, "%s", counts)
	case partition > 0:
		return healthy(fmt.Sprintf("%s, %d below the partition kept", counts, partition))
	case c.num("status", "replicas") > want:
		return progressing(ReasonPodsNotReady, "%s, %d to stop", counts, c.num("status", "replicas")-want)
	}
	return healthy(scaled(counts, want))
}

// keptBroken tells which pods of another revision than the update's stay although they are not ready: where
// pods are replaced in order, each has to be ready before the next, and so before itself, is replaced.
// https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
func keptBroken(c content) func(*corev1.Pod) bool {
	if c.str("spec", "podManagementPolicy") == "Parallel" && c.str("spec", "updateStrategy", "type") != "OnDelete" {
		return nil
	}
	partition := c.num("spec", "updateStrategy", "rollingUpdate", "partition")
	return func(p *corev1.Pod) bool {
		ordinal, err := strconv.ParseInt(p.Name[strings.LastIndexByte(p.Name, '-')+1:], 10, 64)
		return err == nil && ordinal >= partition // those below it are of an older revision on purpose
	}
}

// leftBehind says of a broken pod of a revision that was left that somebody has to delete it. What it fails
// of is no cause any more: the source does not ask for it.
func leftBehind(p *corev1.Pod, f finding) finding {
	why := f.root()
	left := finding{reason: "LeftBehind", final: f.final, finalIn: f.finalIn}
	for _, l := range f.links {
		if l.Role == model.RoleObject || l.Role == model.RoleEvent {
			left.links = append(left.links, l)
		}
	}
	left.add(model.RoleCause, podKey(p), "pod %s still runs the revision that was left (%s), and Kubernetes does not replace it by itself", p.Name, why)
	left.next = fmt.Sprintf("kubectl delete pod -n %s %s", p.Namespace, p.Name)
	return left
}
