package simnode

import (
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// facts is what deciding about a pod needs besides the pod itself.
type facts struct {
	now           time.Time
	nodeIP, podIP string
	// volume says why the pod's volumes cannot be mounted, or is nil.
	volume *volumeFault
	// config says, by container, which reference of its environment cannot be resolved.
	config map[string]string
	// pull says, by container, why its image cannot be pulled.
	pull map[string]pullFault
}

// volumeFault is a volume whose source does not exist.
type volumeFault struct{ volume, message string }

// pullFault is an image that cannot be pulled.
type pullFault struct{ reason, message string }

// event is what a kubelet writes about a pod.
type event struct{ kind, reason, message string }

// decision is what to report of a pod.
type decision struct {
	status v1.PodStatus
	events []event
	// after is when to decide again though nothing else happens; 0 is never.
	after time.Duration
}

// decide says what a kubelet would report of the pod now. It never changes a pod that has
// reached its end, nor takes back that a container has started.
func decide(pod *v1.Pod, f facts) decision {
	d := decision{status: *pod.Status.DeepCopy()}
	if ended(pod) {
		return d
	}
	if pod.DeletionTimestamp != nil {
		terminate(pod, f, &d)
		return d
	}
	sim, err := parseSimulation(pod)
	s := &pass{pod: pod, facts: f, sim: sim, decision: &d}
	if d.status.StartTime == nil {
		started := metav1.NewTime(f.now)
		d.status.StartTime = &started
	}
	switch {
	case err != nil:
		s.waitAll("InvalidSimulation", err.Error())
		s.tellOnce("InvalidSimulation", event{v1.EventTypeWarning, "InvalidSimulation", err.Error()})
	case f.volume != nil && !anyStarted(pod):
		s.waitAll("ContainerCreating", "")
		s.tellOnce("ContainerCreating", event{v1.EventTypeWarning, "FailedMount",
			"MountVolume.SetUp failed for volume \"" + f.volume.volume + "\" : " + f.volume.message})
	default:
		s.containers()
	}
	s.finish()
	return d
}

func ended(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

func anyStarted(pod *v1.Pod) bool {
	for _, list := range [][]v1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			if list[i].State.Running != nil || list[i].State.Terminated != nil || list[i].LastTerminationState.Terminated != nil {
				return true
			}
		}
	}
	return false
}

// terminate reports that everything in a pod being deleted was stopped. Whoever counts
// pods by their last phase (the Job controller) must see one.
func terminate(pod *v1.Pod, f facts, d *decision) {
	now := metav1.NewTime(f.now)
	for _, list := range [][]v1.ContainerStatus{d.status.InitContainerStatuses, d.status.ContainerStatuses} {
		for i := range list {
			c := &list[i]
			c.Ready = false
			if c.State.Terminated != nil {
				continue
			}
			started := now
			if c.State.Running != nil {
				started = c.State.Running.StartedAt
			}
			c.State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
				ExitCode: 143, Reason: "Error", StartedAt: started, FinishedAt: now, ContainerID: c.ContainerID}}
		}
	}
	d.status.Phase = v1.PodFailed
	setConditions(pod, &d.status, now)
}

// pass is one decision being made.
type pass struct {
	pod      *v1.Pod
	facts    facts
	sim      simulation
	decision *decision
}

// containers decides container by container: those of the initialization in order, each
// waiting for the one before, then all others.
func (s *pass) containers() {
	spec, status := &s.pod.Spec, &s.decision.status
	oldInit, old := status.InitContainerStatuses, status.ContainerStatuses
	status.InitContainerStatuses, status.ContainerStatuses = nil, nil
	initialized := true
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		sidecar := c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
		if !initialized {
			status.InitContainerStatuses = append(status.InitContainerStatuses, waiting(c, find(oldInit, c.Name), "PodInitializing", ""))
			continue
		}
		runs := endsAtOnce
		if sidecar {
			runs = goesOn
		}
		next := s.container(c, find(oldInit, c.Name), runs)
		status.InitContainerStatuses = append(status.InitContainerStatuses, next)
		if sidecar {
			initialized = next.Started != nil && *next.Started
		} else {
			initialized = next.State.Terminated != nil && next.State.Terminated.ExitCode == 0
		}
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		if !initialized {
			status.ContainerStatuses = append(status.ContainerStatuses, waiting(c, find(old, c.Name), "PodInitializing", ""))
			continue
		}
		runs := goesOn
		if spec.RestartPolicy != v1.RestartPolicyAlways {
			runs = endsWell
		}
		status.ContainerStatuses = append(status.ContainerStatuses, s.container(c, find(old, c.Name), runs))
	}
}

func (s *pass) finish() {
	status := &s.decision.status
	status.ObservedGeneration = s.pod.Generation
	status.HostIP = s.facts.nodeIP
	status.HostIPs = []v1.HostIP{{IP: s.facts.nodeIP}}
	if status.PodIP == "" && s.facts.podIP != "" && s.facts.volume == nil {
		status.PodIP = s.facts.podIP
		status.PodIPs = []v1.PodIP{{IP: s.facts.podIP}}
	}
	status.Phase = phase(s.pod, status)
	setConditions(s.pod, status, metav1.NewTime(s.facts.now))
}

// tell adds an event.
func (s *pass) tell(e ...event) { s.decision.events = append(s.decision.events, e...) }

// tellOnce adds an event unless the pod has already been reported waiting for reason.
func (s *pass) tellOnce(reason string, e event) {
	for i := range s.pod.Status.ContainerStatuses {
		if w := s.pod.Status.ContainerStatuses[i].State.Waiting; w != nil && w.Reason == reason {
			return
		}
	}
	s.tell(e)
}

// again asks for another decision in d, or earlier if someone asked for that.
func (s *pass) again(d time.Duration) {
	if s.decision.after == 0 || d < s.decision.after {
		s.decision.after = max(d, time.Millisecond)
	}
}

func (s *pass) waitAll(reason, message string) {
	status := &s.decision.status
	oldInit, old := status.InitContainerStatuses, status.ContainerStatuses
	status.InitContainerStatuses, status.ContainerStatuses = nil, nil
	for i := range s.pod.Spec.InitContainers {
		c := &s.pod.Spec.InitContainers[i]
		status.InitContainerStatuses = append(status.InitContainerStatuses, waiting(c, find(oldInit, c.Name), reason, message))
	}
	for i := range s.pod.Spec.Containers {
		c := &s.pod.Spec.Containers[i]
		status.ContainerStatuses = append(status.ContainerStatuses, waiting(c, find(old, c.Name), reason, message))
	}
}
