package health

import "github.com/fairlead-cd/fairlead/internal/model"

// byConditions judges a kind without a rule of its own by the kstatus conventions
// (github.com/kubernetes-sigs/cli-utils, pkg/kstatus): a generation that is not observed or a
// Reconciling condition is progress, Stalled is failure, Ready decides. An object that says
// nothing of this is healthy as soon as it exists.
func byConditions(c content) model.Health {
	generation := c.num("metadata", "generation")
	if c.has("status", "observedGeneration") && c.unobserved() {
		return notObserved(c)
	}
	if cond := c.condition("Stalled"); cond.isTrue() {
		return failed(cond.Reason, cond.text())
	}
	if cond := c.condition("Reconciling"); cond.isTrue() {
		return progressing(cond.Reason, "%s", cond.text())
	}
	return byCondition(c, "Ready", generation)
}

// byCondition is healthy when the condition is true or absent.
func byCondition(c content, kind string, generation int64) model.Health {
	cond := c.condition(kind)
	switch {
	case cond.Type == "":
		return healthy("")
	case cond.generation != 0 && cond.generation < generation:
		return notObserved(c)
	case cond.isTrue():
		return healthy("")
	}
	return progressing(cond.Reason, "%s", cond.text())
}
