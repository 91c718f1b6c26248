package simnode

import (
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
)

// Annotations of a pod that the simulated node heeds.
const (
	// AnnotationSimulate names the failure to tell, one of the words below.
	AnnotationSimulate = "fairlead.dev/simulate"
	// AnnotationContainer names the container that fails, by default the pod's first.
	AnnotationContainer = "fairlead.dev/simulate-container"
	// AnnotationLog is what the pod's containers have logged.
	AnnotationLog = "fairlead.dev/simulate-log"
	// AnnotationMissingImages lists image references, separated by commas, whose pull fails.
	AnnotationMissingImages = "fairlead.dev/simulate-missing-images"
)

// LabelSimulated marks the Node object of a simulated node.
const LabelSimulated = "fairlead.dev/simulated"

// Values of AnnotationSimulate.
const (
	// CrashLoop: the container exits with 1 each time it is started.
	CrashLoop = "crash-loop"
	// ImagePullError: the container's image is not found.
	ImagePullError = "image-pull-error"
	// Unready: the container runs, its readiness probe fails.
	Unready = "unready"
	// Unschedulable: the scheduler finds no node.
	Unschedulable = "unschedulable"
	// JobFail: the container runs to its end and exits with 1.
	JobFail = "job-fail"
	// SlowReady, written slow-ready=DURATION: the readiness probe fails for that long.
	SlowReady = "slow-ready"
)

// simulation is what the annotations of a pod ask for.
type simulation struct {
	failure   string
	container string
	delay     time.Duration
	missing   map[string]bool
}

func parseSimulation(pod *v1.Pod) (simulation, error) {
	s := simulation{container: pod.Annotations[AnnotationContainer], missing: map[string]bool{}}
	if s.container == "" && len(pod.Spec.Containers) > 0 {
		s.container = pod.Spec.Containers[0].Name
	}
	for _, image := range strings.Split(pod.Annotations[AnnotationMissingImages], ",") {
		if image = strings.TrimSpace(image); image != "" {
			s.missing[image] = true
		}
	}
	value := strings.TrimSpace(pod.Annotations[AnnotationSimulate])
	word, argument, hasArgument := strings.Cut(value, "=")
	switch word {
	case "", CrashLoop, ImagePullError, Unready, Unschedulable, JobFail:
		if hasArgument {
			return s, fmt.Errorf("parsing annotation %s: %q takes no value", AnnotationSimulate, word)
		}
	case SlowReady:
		delay, err := time.ParseDuration(argument)
		if err != nil || delay < 0 {
			return s, fmt.Errorf("parsing annotation %s: %q is not a duration, write for example %s=30s",
				AnnotationSimulate, argument, SlowReady)
		}
		s.delay = delay
	default:
		return s, fmt.Errorf("parsing annotation %s: %q is none of %s", AnnotationSimulate, word, strings.Join(
			[]string{CrashLoop, ImagePullError, Unready, Unschedulable, JobFail, SlowReady + "=DURATION"}, ", "))
	}
	s.failure = word
	return s, nil
}
