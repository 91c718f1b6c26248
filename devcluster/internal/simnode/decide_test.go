package simnode

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func newPod(simulate string, change func(*v1.Pod)) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api-1", UID: "u1"},
		Spec: v1.PodSpec{
			RestartPolicy: v1.RestartPolicyAlways,
			Containers:    []v1.Container{{Name: "api", Image: "shop/api:1"}, {Name: "proxy", Image: "shop/proxy:1"}},
		},
	}
	if simulate != "" {
		pod.Annotations = map[string]string{AnnotationSimulate: simulate}
	}
	if change != nil {
		change(pod)
	}
	return pod
}

// told sums up a decision in one line: phase, containers, readiness.
func told(d decision) string {
	words := []string{string(d.status.Phase)}
	for _, list := range [][]v1.ContainerStatus{d.status.InitContainerStatuses, d.status.ContainerStatuses} {
		for _, c := range list {
			state := "running"
			switch {
			case c.State.Waiting != nil:
				state = c.State.Waiting.Reason
			case c.State.Terminated != nil:
				state = c.State.Terminated.Reason
			case !c.Ready:
				state = "unready"
			}
			words = append(words, c.Name+"="+state)
		}
	}
	for _, c := range d.status.Conditions {
		if c.Type == v1.PodReady && c.Status == v1.ConditionTrue {
			words = append(words, "Ready")
		}
	}
	return strings.Join(words, " ")
}

func reasons(d decision) []string {
	var list []string
	for _, e := range d.events {
		list = append(list, e.reason)
	}
	return list
}

// step is one decision in the life of a pod.
type step struct {
	at     time.Duration
	want   string
	events []string
	after  time.Duration
}

func TestDecide(t *testing.T) {
	never := func(p *v1.Pod) {
		p.Spec.RestartPolicy = v1.RestartPolicyNever
		p.Spec.Containers = p.Spec.Containers[:1]
	}
	tests := []struct {
		name  string
		pod   *v1.Pod
		facts facts
		steps []step
	}{
		{name: "healthy", pod: newPod("", nil), steps: []step{
			{want: "Running api=running proxy=running Ready"},
			{at: time.Hour, want: "Running api=running proxy=running Ready"},
		}},
		{name: "crash loop", pod: newPod(CrashLoop, nil), steps: []step{
			{want: "Running api=CrashLoopBackOff proxy=running", events: []string{"Pulled", "Created", "Started", "BackOff"}, after: 10 * time.Second},
			{at: 4 * time.Second, want: "Running api=CrashLoopBackOff proxy=running", after: 6 * time.Second},
			{at: 10 * time.Second, want: "Running api=CrashLoopBackOff proxy=running", events: []string{"Pulled", "Created", "Started", "BackOff"}, after: 20 * time.Second},
		}},
		{name: "image pull", pod: newPod(ImagePullError, nil), steps: []step{
			{want: "Pending api=ErrImagePull proxy=running", events: []string{"Pulling", "Failed", "Failed"}, after: pullAnswer},
			{at: time.Second, want: "Pending api=ImagePullBackOff proxy=running", events: []string{"BackOff", "Failed"}, after: 10 * time.Second},
			{at: 40 * time.Second, want: "Pending api=ImagePullBackOff proxy=running", events: []string{"BackOff", "Failed"}, after: 40 * time.Second},
		}},
		{name: "listed image", pod: newPod("", func(p *v1.Pod) {
			p.Annotations = map[string]string{AnnotationMissingImages: "other:1, shop/proxy:1"}
		}), steps: []step{
			{want: "Pending api=running proxy=ErrImagePull", events: []string{"Pulling", "Failed", "Failed"}, after: pullAnswer},
		}},
		{name: "unready", pod: newPod(Unready, nil), steps: []step{
			{want: "Running api=unready proxy=running", events: []string{"Unhealthy"}, after: probePeriod},
		}},
		{name: "slow", pod: newPod("slow-ready=15s", nil), steps: []step{
			{want: "Running api=unready proxy=running", events: []string{"Unhealthy"}, after: probePeriod},
			{at: 10 * time.Second, want: "Running api=unready proxy=running", events: []string{"Unhealthy"}, after: 5 * time.Second},
			{at: 15 * time.Second, want: "Running api=running proxy=running Ready"},
		}},
		{name: "another container", pod: newPod(Unready, func(p *v1.Pod) { p.Annotations[AnnotationContainer] = "proxy" }), steps: []step{
			{want: "Running api=running proxy=unready", events: []string{"Unhealthy"}, after: probePeriod},
		}},
		{name: "job", pod: newPod("", never), steps: []step{
			{want: "Running api=running Ready", after: runFor},
			{at: time.Second, want: "Succeeded api=Completed"},
			{at: time.Hour, want: "Succeeded api=Completed"},
		}},
		{name: "failing job", pod: newPod(JobFail, never), steps: []step{
			{want: "Running api=running Ready", after: runFor},
			{at: time.Second, want: "Failed api=Error"},
		}},
		{name: "missing environment", pod: newPod("", nil), facts: facts{config: map[string]string{"api": `secret "db" not found`}}, steps: []step{
			{want: "Pending api=CreateContainerConfigError proxy=running", events: []string{"Failed"}},
			{at: time.Second, want: "Pending api=CreateContainerConfigError proxy=running"},
		}},
		{name: "missing volume", pod: newPod("", nil), facts: facts{volume: &volumeFault{"v", `configmap "c" not found`}}, steps: []step{
			{want: "Pending api=ContainerCreating proxy=ContainerCreating", events: []string{"FailedMount"}},
			{at: time.Second, want: "Pending api=ContainerCreating proxy=ContainerCreating"},
		}},
		{name: "unknown word", pod: newPod("explode", nil), steps: []step{
			{want: "Pending api=InvalidSimulation proxy=InvalidSimulation", events: []string{"InvalidSimulation"}},
			{at: time.Second, want: "Pending api=InvalidSimulation proxy=InvalidSimulation"},
		}},
		{name: "init and sidecar", pod: newPod("", func(p *v1.Pod) {
			always := v1.ContainerRestartPolicyAlways
			p.Spec.InitContainers = []v1.Container{{Name: "migrate", Image: "m"}, {Name: "side", Image: "s", RestartPolicy: &always}}
		}), steps: []step{
			{want: "Running migrate=Completed side=running api=running proxy=running Ready"},
		}},
		{name: "init fails", pod: newPod(CrashLoop, func(p *v1.Pod) {
			p.Annotations[AnnotationContainer] = "migrate"
			p.Spec.InitContainers = []v1.Container{{Name: "migrate", Image: "m"}}
		}), steps: []step{
			{want: "Pending migrate=CrashLoopBackOff api=PodInitializing proxy=PodInitializing",
				events: []string{"Pulled", "Created", "Started", "BackOff"}, after: 10 * time.Second},
		}},
		{name: "gated", pod: newPod("", func(p *v1.Pod) {
			p.Spec.ReadinessGates = []v1.PodReadinessGate{{ConditionType: "example.com/in-rotation"}}
		}), steps: []step{
			{want: "Running api=running proxy=running"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pod := test.pod
			for i, s := range test.steps {
				f := test.facts
				f.now, f.nodeIP, f.podIP = noon.Add(s.at), nodeIP, "10.244.0.10"
				d := decide(pod, f)
				if diff := cmp.Diff(s.want, told(d)); diff != "" {
					t.Errorf("step %d: told (-want +got):\n%s", i, diff)
				}
				if diff := cmp.Diff(s.events, reasons(d)); diff != "" {
					t.Errorf("step %d: events (-want +got):\n%s", i, diff)
				}
				if d.after != s.after {
					t.Errorf("step %d: decides again after %s, want %s", i, d.after, s.after)
				}
				pod = pod.DeepCopy()
				pod.Status = d.status
			}
		})
	}
}

func TestDecideDeleted(t *testing.T) {
	pod := newPod("", nil)
	pod.Status = decide(pod, facts{now: noon, nodeIP: nodeIP, podIP: "10.244.0.10"}).status
	pod.DeletionTimestamp = &metav1.Time{Time: noon}
	if got, want := told(decide(pod, facts{now: noon})), "Failed api=Error proxy=Error"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestCrashLoopWords(t *testing.T) {
	pod := newPod(CrashLoop, nil)
	d := decide(pod, facts{now: noon, nodeIP: nodeIP})
	c := d.status.ContainerStatuses[0]
	if c.RestartCount != 1 || c.LastTerminationState.Terminated == nil || c.LastTerminationState.Terminated.ExitCode != 1 {
		t.Errorf("got %d restarts and last state %v, want one restart after exit 1", c.RestartCount, c.LastTerminationState)
	}
	want := "back-off 10s restarting failed container=api pod=api-1_shop(u1)"
	if got := c.State.Waiting.Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestBackoff(t *testing.T) {
	for restarts, want := range map[int32]time.Duration{1: 10 * time.Second, 2: 20 * time.Second, 5: 160 * time.Second, 6: 300 * time.Second, 60: 300 * time.Second} {
		if got := backoff(restarts); got != want {
			t.Errorf("backoff(%d) = %s, want %s", restarts, got, want)
		}
	}
}
