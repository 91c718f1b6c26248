package health

import "github.com/fairlead-cd/fairlead/internal/model"

// autoscaler fails on what its manifest gets wrong (a target that is not there, a selector that
// cannot be read). Metrics that are not there yet, or never on a cluster without a metrics server,
// are told but do not fail a rollout: the pods run all the same.
func autoscaler(c content) model.Health {
	able := c.condition("AbleToScale")
	active := c.condition("ScalingActive")
	switch {
	case able.Type == "":
		return progressing(ReasonNotObserved, "not looked at yet")
	case able.isFalse():
		return degraded(able.Reason, able.text())
	case active.isFalse() && active.Reason == "InvalidSelector":
		return degraded(active.Reason, active.text())
	case active.isFalse() && active.Reason != "ScalingDisabled":
		return model.Health{Status: model.Healthy, Reason: active.Reason, Message: "does not scale: " + active.text()}
	}
	return healthy("")
}

// disruptionBudget does not count allowed disruptions: none is what a budget is for.
func disruptionBudget(c content) model.Health {
	if cond := c.condition("DisruptionAllowed"); cond.isFalse() && cond.Reason == "SyncFailed" {
		return degraded(cond.Reason, cond.text())
	}
	if c.unobserved() {
		return notObserved(c)
	}
	return healthy("")
}
