package health

import "github.com/fairlead-cd/fairlead/internal/model"

func customResourceDefinition(c content) model.Health {
	if cond := c.condition("NamesAccepted"); cond.isFalse() {
		return failed(cond.Reason, cond.text())
	}
	if cond := c.condition("Established"); !cond.isTrue() {
		return progressing("NotEstablished", "not served yet")
	}
	return healthy("")
}

func apiService(c content) model.Health {
	cond := c.condition("Available")
	if cond.isTrue() {
		return healthy("")
	}
	if cond.Type == "" {
		return progressing(ReasonNotObserved, "not looked at yet")
	}
	return progressing(cond.Reason, "%s", cond.text())
}

func namespace(c content) model.Health {
	if c.str("status", "phase") == "Terminating" {
		return terminating(c)
	}
	return healthy("")
}
