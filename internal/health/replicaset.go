package health

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// replicaSet also judges a ReplicationController: the fields are the same.
func replicaSet(c content) model.Health {
	if c.unobserved() {
		return notObserved(c)
	}
	want, available := c.numOr(1, "spec", "replicas"), c.num("status", "availableReplicas")
	counts := fmt.Sprintf("%d/%d ready", available, want)
	if cond := c.condition("ReplicaFailure"); cond.isTrue() {
		return degraded(ReasonReplicaFailure, counts+", "+cond.text())
	}
	if available < want {
		return progressing(ReasonPodsNotReady, "%s", counts)
	}
	return healthy(scaled(counts, want))
}
