package health

import (
	"fmt"

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
