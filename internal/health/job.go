package health

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func job(c content) model.Health {
	// FailureTarget comes before Failed, while the last pods still stop.
	for _, kind := range []string{"Failed", "FailureTarget"} {
		if cond := c.condition(kind); cond.isTrue() {
			return failed(cond.Reason, cond.text())
		}
	}
	if c.condition("Complete").isTrue() {
		return healthy("completed")
	}
	if c.flag("spec", "suspend") || c.condition("Suspended").isTrue() {
		return suspended("Suspended", "the job is suspended")
	}
	want := c.numOr(1, "spec", "completions")
	message := fmt.Sprintf("%d/%d completed, %d running", c.num("status", "succeeded"), want, c.num("status", "active"))
	if n := c.num("status", "failed"); n > 0 {
		message += fmt.Sprintf(", %d failed", n)
	}
	return progressing(ReasonPodsNotReady, "%s", message)
}

// finished reports whether an object did what it was for, and may go: a Job may be deleted as soon as
// it completed (ttlSecondsAfterFinished).
func finished(c content, group, kind string) bool {
	return group == "batch" && kind == "Job" && c.condition("Complete").isTrue()
}

func cronJob(c content) model.Health {
	if c.flag("spec", "suspend") {
		return suspended("Suspended", "the schedule is suspended")
	}
	return healthy("schedule " + c.str("spec", "schedule"))
}
