package simnode

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// phase sums up the containers by the rules of the kubelet (getPhase in
// pkg/kubelet/kubelet_pods.go).
func phase(pod *v1.Pod, status *v1.PodStatus) v1.PodPhase {
	if p, decided := initPhase(pod, status); decided {
		return p
	}
	var running, waiting, stopped, succeeded int
	for i := range status.ContainerStatuses {
		c := &status.ContainerStatuses[i]
		switch {
		case c.State.Running != nil:
			running++
		case c.State.Terminated != nil:
			stopped++
			if c.State.Terminated.ExitCode == 0 {
				succeeded++
			}
		case c.LastTerminationState.Terminated != nil:
			stopped++
		default:
			waiting++
		}
	}
	switch {
	case waiting > 0:
		return v1.PodPending
	case running > 0 || pod.Spec.RestartPolicy == v1.RestartPolicyAlways:
		return v1.PodRunning
	case stopped == succeeded:
		return v1.PodSucceeded
	case pod.Spec.RestartPolicy == v1.RestartPolicyNever:
		return v1.PodFailed
	default:
		return v1.PodRunning
	}
}

// initPhase decides the phase where the containers of the initialization do.
func initPhase(pod *v1.Pod, status *v1.PodStatus) (v1.PodPhase, bool) {
	for i := range status.InitContainerStatuses {
		c := &status.InitContainerStatuses[i]
		if c.State.Running != nil && isSidecar(pod, c.Name) {
			continue
		}
		if t := c.State.Terminated; t != nil {
			if t.ExitCode == 0 {
				continue
			}
			if pod.Spec.RestartPolicy == v1.RestartPolicyNever {
				return v1.PodFailed, true
			}
		}
		return v1.PodPending, true
	}
	return "", false
}

func isSidecar(pod *v1.Pod, name string) bool {
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if c.Name == name {
			return c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
		}
	}
	return false
}

// setConditions derives the kubelet's conditions (pkg/kubelet/status/generate.go) and
// leaves those of others, such as PodScheduled, as they are.
func setConditions(pod *v1.Pod, status *v1.PodStatus, now metav1.Time) {
	var incomplete, unready []string
	for i := range status.InitContainerStatuses {
		c := &status.InitContainerStatuses[i]
		sidecar := isSidecar(pod, c.Name)
		done := c.State.Terminated != nil && c.State.Terminated.ExitCode == 0 || sidecar && c.State.Running != nil
		if !done {
			incomplete = append(incomplete, c.Name)
		}
		if sidecar && !c.Ready {
			unready = append(unready, c.Name)
		}
	}
	for i := range status.ContainerStatuses {
		if c := &status.ContainerStatuses[i]; !c.Ready {
			unready = append(unready, c.Name)
		}
	}
	initialized := condition(v1.PodInitialized, incomplete, "ContainersNotInitialized", "containers with incomplete status: %s")
	containers := condition(v1.ContainersReady, unready, "ContainersNotReady", "containers with unready status: %s")
	if status.Phase == v1.PodSucceeded {
		initialized = v1.PodCondition{Type: v1.PodInitialized, Status: v1.ConditionTrue, Reason: "PodCompleted"}
		containers = v1.PodCondition{Type: v1.ContainersReady, Status: v1.ConditionFalse, Reason: "PodCompleted"}
	} else if status.Phase == v1.PodFailed {
		containers = v1.PodCondition{Type: v1.ContainersReady, Status: v1.ConditionFalse, Reason: "PodFailed"}
	}
	ready := containers
	ready.Type = v1.PodReady
	if ready.Status == v1.ConditionTrue {
		ready = gated(pod, status, ready)
	}
	sandbox := v1.PodCondition{Type: v1.PodReadyToStartContainers, Status: v1.ConditionTrue}
	if status.PodIP == "" || status.Phase == v1.PodSucceeded || status.Phase == v1.PodFailed {
		sandbox.Status = v1.ConditionFalse
	}
	for _, c := range []v1.PodCondition{sandbox, initialized, ready, containers} {
		c.ObservedGeneration = pod.Generation
		setCondition(status, c, now)
	}
}

func condition(kind v1.PodConditionType, failing []string, reason, message string) v1.PodCondition {
	if len(failing) == 0 {
		return v1.PodCondition{Type: kind, Status: v1.ConditionTrue}
	}
	return v1.PodCondition{Type: kind, Status: v1.ConditionFalse, Reason: reason, Message: fmt.Sprintf(message, failing)}
}

// gated holds a pod back from being Ready for the sake of its readiness gates.
func gated(pod *v1.Pod, status *v1.PodStatus, ready v1.PodCondition) v1.PodCondition {
	var messages []string
	for _, gate := range pod.Spec.ReadinessGates {
		found := findCondition(status, gate.ConditionType)
		switch {
		case found == nil:
			messages = append(messages, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case found.Status != v1.ConditionTrue:
			messages = append(messages, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, found.Status))
		}
	}
	if len(messages) > 0 {
		ready.Status, ready.Reason, ready.Message = v1.ConditionFalse, "ReadinessGatesNotReady", strings.Join(messages, ", ")
	}
	return ready
}

func findCondition(status *v1.PodStatus, kind v1.PodConditionType) *v1.PodCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			return &status.Conditions[i]
		}
	}
	return nil
}

func setCondition(status *v1.PodStatus, c v1.PodCondition, now metav1.Time) {
	c.LastTransitionTime = now
	old := findCondition(status, c.Type)
	if old == nil {
		status.Conditions = append(status.Conditions, c)
		return
	}
	if old.Status == c.Status {
		c.LastTransitionTime = old.LastTransitionTime
	}
	*old = c
}
