package health

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// pod is judged by its phase, and before that by a container that waits for a reason that a
// person must look into.
func pod(c content) model.Health {
	switch c.str("status", "phase") {
	case "Succeeded":
		return healthy("completed")
	case "Failed":
		return podFailed(c)
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, item := range c.list("status", list) {
			m, _ := item.(map[string]any)
			if h, bad := containerWaiting(m); bad {
				return h
			}
		}
	}
	if cond := c.condition("PodScheduled"); cond.isFalse() {
		return progressing(cond.Reason, "%s", cond.text())
	}
	if c.condition("Ready").isTrue() {
		return healthy("ready")
	}
	ready, all := 0, len(c.list("spec", "containers"))
	for _, item := range c.list("status", "containerStatuses") {
		if m, _ := item.(map[string]any); content(m).flag("ready") {
			ready++
		}
	}
	return progressing(ReasonPodsNotReady, "%d/%d containers ready", ready, all)
}

func podFailed(c content) model.Health {
	reason := c.str("status", "reason") // "Evicted", "NodeAffinity", "DeadlineExceeded"
	if reason == "" {
		reason = "PodFailed"
	}
	message := oneLine(c.str("status", "message"))
	for _, item := range c.list("status", "containerStatuses") {
		m, _ := item.(map[string]any)
		end := content(m).at("state", "terminated")
		if message == "" && end != nil && end.num("exitCode") != 0 {
			message = fmt.Sprintf("container %s: exit %d", content(m).str("name"), end.num("exitCode"))
		}
	}
	return failed(reason, message)
}

// containerWaiting tells a wait that is trouble from one that is start-up.
func containerWaiting(status content) (model.Health, bool) {
	wait := status.at("state", "waiting")
	reason := wait.str("reason")
	if !troubled(reason) {
		return model.Health{}, false
	}
	message := fmt.Sprintf("container %s: %s", status.str("name"), reason)
	if n := status.num("restartCount"); n > 0 {
		message += fmt.Sprintf(", %s", plural(n, "restart"))
	}
	return degraded(reason, message), true
}

// troubled reports whether a container's waiting reason is a failure: ImagePullBackOff,
// CrashLoopBackOff, ErrImagePull, CreateContainerConfigError, RunContainerError, InvalidImageName.
// ContainerCreating and PodInitializing are not.
func troubled(reason string) bool {
	return strings.HasSuffix(reason, "BackOff") || strings.HasPrefix(reason, "Err") ||
		strings.HasSuffix(reason, "Error") || reason == "InvalidImageName" || reason == "ImageInspectError"
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
