package health

import (
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// helmRelease reads status.phase, whose words are those of Flux's Helm Operator
// (github.com/fluxcd/helm-operator, pkg/apis/helm.fluxcd.io/v1).
func helmRelease(c content) model.Health {
	phase := c.str("status", "phase")
	message := helmReleaseMessage(c)
	switch {
	case phase == "" || c.unobserved():
		return progressing(ReasonNotObserved, "not looked at yet")
	case strings.HasSuffix(phase, "Failed"), phase == "RolledBack":
		return degraded(phase, message)
	case phase == "Succeeded", phase == "Deployed", phase == "Tested":
		return healthy(message)
	}
	return progressing(phase, "%s", message)
}

func helmReleaseMessage(c content) string {
	cond := c.condition("Released")
	if deployed := c.condition("Deployed"); cond.Message == "" {
		cond = deployed
	}
	if s := cond.text(); s != "" {
		return s
	}
	return c.str("status", "phase")
}

// application passes on what its controller says.
func application(c content) model.Health {
	op := content(c.at("status", "operationState"))
	message := oneLine(c.str("status", "health", "message"))
	switch phase := op.str("phase"); phase {
	case "Running":
		return progressing("Syncing", "%s", oneLine(op.str("message")))
	case "Failed", "Error":
		return degraded("Sync"+phase, oneLine(op.str("message")))
	}
	switch status := model.HealthStatus(c.str("status", "health", "status")); status {
	case model.Healthy, model.Suspended, model.Progressing, model.Missing, model.Degraded:
		return model.Health{Status: status, Message: message}
	case "":
		return progressing(ReasonNotObserved, "not looked at yet")
	}
	return model.Health{Status: model.Unknown, Message: message}
}

// sealedSecret without a status is healthy: its controller can be told not to write one.
func sealedSecret(c content) model.Health {
	if c.has("status", "observedGeneration") && c.unobserved() {
		return notObserved(c)
	}
	if cond := c.condition("Synced"); cond.isFalse() {
		return degraded("NotSynced", cond.text())
	}
	return healthy("")
}

func externalSecret(c content) model.Health {
	cond := c.condition("Ready")
	switch {
	case cond.isTrue():
		return healthy(cond.text())
	case cond.isFalse():
		return degraded(cond.Reason, cond.text())
	}
	return progressing(ReasonNotObserved, "not synced yet")
}

func certificate(c content) model.Health {
	if cond := c.condition("Ready"); cond.isTrue() {
		return byCondition(c, "Ready", c.num("metadata", "generation"))
	}
	if cond := c.condition("Issuing"); cond.isTrue() {
		return progressing(cond.Reason, "%s", cond.text())
	}
	cond := c.condition("Ready")
	if cond.Type == "" {
		return progressing(ReasonNotObserved, "not looked at yet")
	}
	// cert-manager clears Issuing when an attempt failed and leaves the reason there.
	if issuing := c.condition("Issuing"); issuing.isFalse() && issuing.Reason == "Failed" {
		return degraded(issuing.Reason, issuing.text())
	}
	return progressing(cond.Reason, "%s", cond.text())
}
