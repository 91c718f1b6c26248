package health

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// deployment follows `kubectl rollout status`: all replicas updated, none of the old left, all
// available.
func deployment(c content) model.Health {
	if c.flag("spec", "paused") {
		return suspended("Paused", "the rollout is paused")
	}
	if c.unobserved() {
		return notObserved(c)
	}
	want := c.numOr(1, "spec", "replicas")
	updated, available := c.num("status", "updatedReplicas"), c.num("status", "availableReplicas")
	counts := fmt.Sprintf("%d/%d ready", available, want)
	old := c.num("status", "replicas") - updated
	if updated < want || old > 0 {
		// availableReplicas counts the old pods too, so it would look better than it is
		counts = fmt.Sprintf("%d/%d updated", min(updated, want), want)
	}
	// A rollback to a ReplicaSet whose pods still run is through at once, but the condition of what was
	// left stays until the last pod of it has stopped.
	through := updated >= want && available >= want
	if cond := c.condition("Progressing"); cond.isFalse() && cond.Reason == "ProgressDeadlineExceeded" && !through {
		return failed(cond.Reason, counts+", progress deadline exceeded")
	}
	if cond := c.condition("ReplicaFailure"); cond.isTrue() {
		return degraded(ReasonReplicaFailure, counts+", "+cond.text())
	}
	switch {
	case updated < want:
		return progressing(ReasonPodsNotReady, "%s", counts)
	case old > 0:
		return progressing(ReasonPodsNotReady, "%s, %d old to stop", counts, old)
	case available < want:
		return progressing(ReasonPodsNotReady, "%s", counts)
	}
	return healthy(scaled(counts, want))
}

func scaled(counts string, want int64) string {
	if want == 0 {
		return "scaled to 0"
	}
	return counts
}
