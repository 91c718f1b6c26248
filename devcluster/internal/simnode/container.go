package simnode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// course is what a container does when nothing is wrong with it.
type course int

const (
	goesOn course = iota
	// endsWell runs for a moment and exits with 0.
	endsWell
	// endsAtOnce is endsWell reported in one step.
	endsAtOnce
)

const (
	// firstBackoff and maxBackoff bound the kubelet's waits between restarts and between
	// pulls; each is twice the one before.
	firstBackoff = 10 * time.Second
	maxBackoff   = 300 * time.Second
	// runFor is how long a container that ends is seen running.
	runFor = 200 * time.Millisecond
	// pullAnswer is how long a pull takes to fail.
	pullAnswer = 300 * time.Millisecond
	// probePeriod is how often a failing readiness probe is told of.
	probePeriod = 10 * time.Second
)

// container decides about one container that may start now.
func (s *pass) container(c *v1.Container, old *v1.ContainerStatus, runs course) v1.ContainerStatus {
	target := c.Name == s.sim.container
	started := old != nil && (old.State.Running != nil || old.State.Terminated != nil || old.LastTerminationState.Terminated != nil)
	if !started {
		if next, stopped := s.blocked(c, old, target); stopped {
			return next
		}
	}
	if old != nil && old.State.Terminated != nil && old.State.Terminated.ExitCode == 0 {
		return *old
	}
	switch {
	case target && (s.sim.failure == CrashLoop || s.sim.failure == JobFail):
		return s.crash(c, old)
	case old == nil || old.State.Running == nil:
		return s.run(c, old, target, runs)
	case runs != goesOn && !(target && s.holdsReady()):
		return s.end(c, old, 0, "Completed")
	default:
		return s.keepRunning(c, old, target)
	}
}

// holdsReady says whether the simulation is about a container that runs.
func (s *pass) holdsReady() bool { return s.sim.failure == Unready || s.sim.failure == SlowReady }

// blocked reports a container that cannot start: its image is pulled first, then its
// environment is resolved, in the order of a kubelet.
func (s *pass) blocked(c *v1.Container, old *v1.ContainerStatus, target bool) (v1.ContainerStatus, bool) {
	fault, failed := s.facts.pull[c.Name]
	if s.sim.missing[c.Image] || target && s.sim.failure == ImagePullError {
		fault, failed = imageNotFound(c.Image), true
	}
	if failed {
		return s.pullFailed(c, old, fault), true
	}
	message, failed := s.facts.config[c.Name]
	if !failed {
		return v1.ContainerStatus{}, false
	}
	const reason = "CreateContainerConfigError"
	if old == nil || old.State.Waiting == nil || old.State.Waiting.Reason != reason || old.State.Waiting.Message != message {
		s.tell(event{v1.EventTypeWarning, "Failed", "Error: " + message})
	}
	return waiting(c, old, reason, message), true
}

// pullFailed alternates like a kubelet: first the error of the pull, then the wait for the
// next one with the error inside.
func (s *pass) pullFailed(c *v1.Container, old *v1.ContainerStatus, fault pullFault) v1.ContainerStatus {
	if fault.reason == reasonInvalidImage {
		if old == nil || old.State.Waiting == nil || old.State.Waiting.Reason != fault.reason {
			s.tell(event{v1.EventTypeWarning, "InspectFailed", fault.message}, event{v1.EventTypeWarning, "Failed", "Error: " + fault.reason})
		}
		return waiting(c, old, fault.reason, fault.message)
	}
	first := old == nil || old.State.Waiting == nil ||
		old.State.Waiting.Reason != reasonPullError && old.State.Waiting.Reason != reasonPullBackOff
	if first {
		s.tell(
			event{v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.Image)},
			event{v1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", c.Image, fault.message)},
			event{v1.EventTypeWarning, "Failed", "Error: " + reasonPullError},
		)
		s.again(pullAnswer)
		return waiting(c, old, reasonPullError, fault.message)
	}
	s.tell(
		event{v1.EventTypeNormal, "BackOff", fmt.Sprintf("Back-off pulling image %q", c.Image)},
		event{v1.EventTypeWarning, "Failed", "Error: " + reasonPullBackOff},
	)
	// The pod's age doubles from try to try, which is the kubelet's backoff without
	// having to remember how many tries there were.
	age := s.facts.now.Sub(s.decision.status.StartTime.Time)
	s.again(min(max(age, firstBackoff), maxBackoff))
	return waiting(c, old, reasonPullBackOff,
		fmt.Sprintf("Back-off pulling image %q: %s: %s", c.Image, reasonPullError, fault.message))
}

// crash lets the container exit with 1 and, where the pod wants it restarted, wait for the
// next start.
func (s *pass) crash(c *v1.Container, old *v1.ContainerStatus) v1.ContainerStatus {
	policy := s.pod.Spec.RestartPolicy
	if policy == v1.RestartPolicyNever {
		if old != nil && old.State.Terminated != nil {
			return *old
		}
		if old == nil || old.State.Running == nil {
			s.again(runFor)
			return s.start(c, old, false)
		}
		return s.end(c, old, 1, "Error")
	}
	restarts, wait := int32(1), time.Duration(0)
	if old != nil && old.State.Waiting != nil && old.LastTerminationState.Terminated != nil {
		wait = old.LastTerminationState.Terminated.FinishedAt.Add(backoff(old.RestartCount)).Sub(s.facts.now)
		if wait > 0 {
			s.again(wait)
			return *old
		}
		restarts = old.RestartCount + 1
	}
	now := metav1.NewTime(s.facts.now)
	name := fmt.Sprintf("%s_%s(%s)", s.pod.Name, s.pod.Namespace, s.pod.UID)
	next := waiting(c, nil, "CrashLoopBackOff",
		fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", backoff(restarts), c.Name, name))
	next.RestartCount = restarts
	next.ImageID = imageID(c.Image)
	next.ContainerID = containerID(s.pod, c.Name, restarts)
	next.LastTerminationState.Terminated = &v1.ContainerStateTerminated{
		ExitCode: 1, Reason: "Error", StartedAt: now, FinishedAt: now, ContainerID: next.ContainerID}
	s.tell(
		event{v1.EventTypeNormal, "Pulled", fmt.Sprintf("Container image %q already present on machine", c.Image)},
		event{v1.EventTypeNormal, "Created", "Container created: " + c.Name},
		event{v1.EventTypeNormal, "Started", "Container started: " + c.Name},
		event{v1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.Name, name)},
	)
	s.again(backoff(restarts))
	return next
}

// run starts a container and sees to its end where it has one.
func (s *pass) run(c *v1.Container, old *v1.ContainerStatus, target bool, runs course) v1.ContainerStatus {
	next := s.start(c, old, target)
	switch {
	case runs == goesOn || target && s.holdsReady():
		return next
	case runs == endsAtOnce:
		return s.end(c, &next, 0, "Completed")
	default:
		s.again(runFor)
		return next
	}
}

// start reports a container that was started just now.
func (s *pass) start(c *v1.Container, old *v1.ContainerStatus, target bool) v1.ContainerStatus {
	yes := true
	next := v1.ContainerStatus{
		Name: c.Name, Image: c.Image, ImageID: imageID(c.Image), Started: &yes,
		State: v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(s.facts.now)}},
	}
	if old != nil {
		next.RestartCount, next.LastTerminationState = old.RestartCount, old.LastTerminationState
	}
	next.ContainerID = containerID(s.pod, c.Name, next.RestartCount)
	return s.keepRunning(c, &next, target)
}

// keepRunning reports a running container, whose readiness may be what is simulated.
func (s *pass) keepRunning(_ *v1.Container, old *v1.ContainerStatus, target bool) v1.ContainerStatus {
	next := *old
	next.Ready = true
	if !target || !s.holdsReady() {
		return next
	}
	if s.sim.failure == SlowReady {
		left := next.State.Running.StartedAt.Add(s.sim.delay).Sub(s.facts.now)
		if left <= 0 {
			return next
		}
		s.again(min(left, probePeriod))
	} else {
		s.again(probePeriod)
	}
	next.Ready = false
	s.tell(event{v1.EventTypeWarning, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"})
	return next
}

// end reports that a running container has exited.
func (s *pass) end(c *v1.Container, old *v1.ContainerStatus, code int32, reason string) v1.ContainerStatus {
	no := false
	next := *old
	next.Ready, next.Started = false, &no
	next.State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: old.State.Running.StartedAt,
		FinishedAt: metav1.NewTime(s.facts.now), ContainerID: containerID(s.pod, c.Name, old.RestartCount)}}
	return next
}

// waiting reports a container that has not started.
func waiting(c *v1.Container, old *v1.ContainerStatus, reason, message string) v1.ContainerStatus {
	no := false
	next := v1.ContainerStatus{Name: c.Name, Image: c.Image, Started: &no,
		State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}}
	if old != nil {
		next.RestartCount, next.LastTerminationState = old.RestartCount, old.LastTerminationState
	}
	return next
}

func find(list []v1.ContainerStatus, name string) *v1.ContainerStatus {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// backoff is the kubelet's wait before a container that has restarted so often is started again.
func backoff(restarts int32) time.Duration {
	wait := firstBackoff
	for i := int32(1); i < restarts && wait < maxBackoff; i++ {
		wait *= 2
	}
	return min(wait, maxBackoff)
}

func containerID(pod *v1.Pod, container string, restarts int32) string {
	return "simulated://" + digest(fmt.Sprintf("%s/%s/%d", pod.UID, container, restarts))
}

func imageID(image string) string { return "simulated://sha256:" + digest(image) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
