package health

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func daemonSet(c content) model.Health {
	if c.unobserved() {
		return notObserved(c)
	}
	want := c.num("status", "desiredNumberScheduled")
	available, updated := c.num("status", "numberAvailable"), c.num("status", "updatedNumberScheduled")
	counts := fmt.Sprintf("%d/%d ready", available, want)
	onDelete := c.str("spec", "updateStrategy", "type") == "OnDelete"
	switch {
	case want == 0:
		return healthy("no node matches")
	case updated < want && !onDelete:
		return progressing(ReasonPodsNotReady, "%d/%d updated", updated, want)
	case available < want:
		return progressing(ReasonPodsNotReady, "%s", counts)
	case updated < want:
		return healthy(fmt.Sprintf("%s, %d old until deleted (OnDelete)", counts, want-updated))
	}
	return healthy(counts)
}
