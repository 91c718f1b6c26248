package health

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// container is one container of a pod: what was asked for and how it does.
type container struct {
	pod    *corev1.Pod
	spec   corev1.Container
	status corev1.ContainerStatus
	init   bool
}

// label is how a container is called in a report.
func (c *container) label() string {
	if c.init {
		return "init container " + c.spec.Name
	}
	return "container " + c.spec.Name
}

// ended is how the container ended last; nil when it never did.
func (c *container) ended() *corev1.ContainerStateTerminated {
	if c.status.State.Terminated != nil {
		return c.status.State.Terminated
	}
	return c.status.LastTerminationState.Terminated
}

func (c *container) waiting() string {
	if c.status.State.Waiting == nil {
		return ""
	}
	return c.status.State.Waiting.Reason
}

// sidecar reports whether an init container keeps running beside the others.
func (c *container) sidecar() bool {
	return c.init && c.spec.RestartPolicy != nil && *c.spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// containers pairs specs with statuses, init containers first: one that fails holds up the rest.
func containers(p *corev1.Pod) []container {
	var all []container
	pair := func(specs []corev1.Container, statuses []corev1.ContainerStatus, init bool) {
		for _, s := range specs {
			c := container{pod: p, spec: s, init: init}
			if i := slices.IndexFunc(statuses, func(st corev1.ContainerStatus) bool { return st.Name == s.Name }); i >= 0 {
				c.status = statuses[i]
			}
			all = append(all, c)
		}
	}
	pair(p.Spec.InitContainers, p.Status.InitContainerStatuses, true)
	pair(p.Spec.Containers, p.Status.ContainerStatuses, false)
	return all
}

// pod names what keeps one pod from being ready, from the outside in: is it gone, has it a node,
// does the node live, do its containers start, do they stay, do they answer.
func (d *diagnosis) pod(ctx context.Context, p *corev1.Pod) (finding, error) {
	if p.Status.Phase == corev1.PodFailed && p.Status.Reason != "" {
		return d.podGone(p), nil
	}
	if c := podCondition(p, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		return d.unschedulable(ctx, p, c)
	}
	var before *finding
	for _, c := range containers(p) {
		f, err := d.container(ctx, &c)
		if err != nil || f != nil && c.status.State.Running == nil {
			return deref(f), err
		}
		if f != nil { // it runs again: a probe may say more than how it ended before
			before = f
		}
	}
	events, err := d.warnings(ctx, podKey(p), p.UID)
	if err != nil {
		return finding{}, err
	}
	if f, err := d.mount(ctx, p, events); err != nil || f != nil {
		return deref(f), err
	}
	if f := d.probe(ctx, p, events); f != nil {
		return *f, nil
	}
	if before != nil {
		return *before, nil
	}
	if f, err := d.nodeDown(ctx, p); err != nil || f != nil {
		return deref(f), err
	}
	return d.starting(p), nil
}

func deref(f *finding) finding {
	if f == nil {
		return finding{}
	}
	return *f
}

// container names what ails one container, or gives nil when its state shows nothing.
func (d *diagnosis) container(ctx context.Context, c *container) (*finding, error) {
	switch reason := c.waiting(); {
	case reason == "ImagePullBackOff" || reason == "ErrImagePull" || reason == "InvalidImageName" ||
		reason == "ErrImageNeverPull" || reason == "ImageInspectError" || reason == "RegistryUnavailable" ||
		reason == "SignatureValidationFailed" || reason == "ErrImagePullBackOff":
		return d.pull(ctx, c)
	case reason == "CreateContainerConfigError":
		return d.config(ctx, c)
	case reason == "CrashLoopBackOff":
		return d.crash(ctx, c)
	case troubled(reason):
		return d.startError(ctx, c)
	}
	end := c.ended()
	switch {
	case end == nil:
		return nil, nil
	case c.init && !c.sidecar() && c.status.State.Terminated != nil && end.ExitCode == 0:
		return nil, nil // an init container that did its work
	case end.ExitCode != 0 && (c.status.State.Terminated != nil || !c.status.Ready && c.status.RestartCount > 0):
		return d.crash(ctx, c)
	case c.status.State.Terminated != nil && c.pod.Spec.RestartPolicy == corev1.RestartPolicyAlways && !c.init:
		return d.crash(ctx, c) // ended by itself with exit 0 where it should have kept running
	}
	return nil, nil
}

// startError is a container the runtime cannot make or start: a command that does not exist, a
// subPath that cannot be.
func (d *diagnosis) startError(ctx context.Context, c *container) (*finding, error) {
	reason, message := c.waiting(), oneLine(c.status.State.Waiting.Message)
	if end := c.ended(); end != nil && message == "" {
		message = end.Message
	}
	f := &finding{reason: reason}
	f.add(model.RoleObject, podKey(c.pod), "%s: %s", c.label(), reason)
	f.add(model.RoleCause, podKey(c.pod), "%s", runtimeText(d.quote(ctx, c.pod, message)))
	f.final = c.status.RestartCount >= d.o.Rules.Restarts
	if !f.final {
		f.finalAfter(d.o.Rules.Missing, d.began(c.pod), d.o.Now)
	}
	f.next = "check command, args and volume mounts of " + c.label()
	return f, nil
}

// runtimeText drops what containerd and runc put before the point.
func runtimeText(message string) string {
	for _, mark := range []string{"unable to start container process: ", "error during container init: ", "OCI runtime create failed: ", "failed to generate spec: ", "rpc error: code = Unknown desc = "} {
		if i := strings.LastIndex(message, mark); i >= 0 {
			message = message[i+len(mark):]
			break
		}
	}
	return strings.TrimSuffix(message, ": unknown")
}

func (d *diagnosis) podGone(p *corev1.Pod) finding {
	f := finding{reason: p.Status.Reason}
	f.add(model.RoleObject, podKey(p), "%s", p.Status.Reason)
	f.add(model.RoleCause, podKey(p), "%s", oneLine(clean(p.Status.Message)))
	switch p.Status.Reason {
	case "Evicted":
		f.next = "set resources.requests to what the pod really uses, or free the node"
	case "DeadlineExceeded":
		f.final = true
		f.next = "raise activeDeadlineSeconds, or make the work shorter"
	}
	return f
}

// nodeDown looks at the node of a pod that shows nothing else.
func (d *diagnosis) nodeDown(ctx context.Context, p *corev1.Pod) (*finding, error) {
	if p.Spec.NodeName == "" {
		return nil, nil
	}
	key := model.ObjectKey{Kind: "Node", Name: p.Spec.NodeName}
	node, err := d.r.Object(ctx, key)
	if err != nil {
		// Reading nodes takes a right across the cluster that a release's account seldom has;
		// the node is then not known to be down, and nothing is said of it.
		return nil, nil
	}
	ready := content(node).condition("Ready")
	if ready.isTrue() || ready.Type == "" {
		return nil, nil
	}
	f := &finding{reason: "NodeNotReady", next: "bring " + key.Short() + " back, or drain it"}
	f.add(model.RoleObject, podKey(p), "on %s", key.Short())
	f.add(model.RoleCause, key, "%s is not ready: %s", key.Short(), ready.text())
	return f, nil
}

// starting tells what a pod without trouble is at.
func (d *diagnosis) starting(p *corev1.Pod) finding {
	f := finding{reason: ReasonPodsNotReady}
	var states []string
	for _, c := range containers(p) {
		switch {
		case c.status.Ready, c.init && c.status.State.Terminated != nil:
		case c.waiting() != "":
			states = append(states, c.label()+": "+c.waiting())
		case c.status.State.Running != nil && c.init && !c.sidecar():
			states = append(states, c.label()+" is running")
		case c.status.State.Running != nil:
			states = append(states, c.label()+" runs, not ready")
		}
	}
	if len(states) == 0 {
		states = append(states, "starting")
	}
	f.add(model.RoleObject, podKey(p), "%s", strings.Join(states, "; "))
	f.add(model.RoleCause, podKey(p), "not ready after %s", rounded(d.o.Now.Sub(p.CreationTimestamp.Time)))
	return f
}

// began is when the trouble of a pod can have begun at the earliest, for this rollout.
func (d *diagnosis) began(p *corev1.Pod) time.Time {
	began := p.CreationTimestamp.Time
	if d.o.Since.After(began) {
		return d.o.Since
	}
	return began
}

// restarts are those of this rollout.
func (d *diagnosis) restarts(c *container) int32 {
	return c.status.RestartCount - d.o.baseline[containerID{string(c.pod.UID), c.spec.Name}]
}

func rounded(t time.Duration) string {
	if t < 0 {
		t = 0
	}
	return t.Round(time.Second).String()
}

// barePod is a pod that is itself an object of the release.
func (d *diagnosis) barePod(ctx context.Context, obj content, h model.Health) (string, []finding, error) {
	var p corev1.Pod
	if err := decode(obj, &p); err != nil {
		return h.Message, nil, err
	}
	if podReady(&p) {
		return h.Message, nil, nil
	}
	f, err := d.pod(ctx, &p)
	if p.Status.Phase == corev1.PodFailed {
		f.final = true
		if len(f.links) == 0 {
			f.add(model.RoleCause, podKey(&p), "%s", h.Message)
		}
	}
	return h.Message, []finding{f}, err
}

// warnings are the Warning events of an object, newest first. A uid that is not empty leaves out
// those of an earlier object of the same name, as the pods of a StatefulSet have.
func (d *diagnosis) warnings(ctx context.Context, key model.ObjectKey, uid types.UID) ([]corev1.Event, error) {
	events, err := d.r.Events(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("listing the events of %s: %w", key.Short(), err)
	}
	events = slices.DeleteFunc(slices.Clone(events), func(e corev1.Event) bool {
		other := uid != "" && e.InvolvedObject.UID != "" && e.InvolvedObject.UID != uid
		return e.Type != corev1.EventTypeWarning || other || !d.o.Since.IsZero() && eventTime(&e).Before(d.o.Since.Add(-2*time.Second))
	})
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return eventTime(&b).Compare(eventTime(&a)) })
	return events, nil
}

// eventTime is when an event was seen last. Which field holds it depends on who wrote it.
func eventTime(e *corev1.Event) time.Time {
	t := e.LastTimestamp.Time
	if e.Series != nil && e.Series.LastObservedTime.After(t) {
		t = e.Series.LastObservedTime.Time
	}
	if e.EventTime.After(t) {
		t = e.EventTime.Time
	}
	if t.IsZero() {
		t = e.CreationTimestamp.Time
	}
	return t
}

func eventCount(e *corev1.Event) int32 {
	n := max(e.Count, 1)
	if e.Series != nil {
		n = max(n, e.Series.Count)
	}
	return n
}

// eventText is an event as it is told: its reason, how often, and the message.
func eventText(e *corev1.Event, message string) string {
	if n := eventCount(e); n > 1 {
		return fmt.Sprintf("%s (%d times): %s", e.Reason, n, message)
	}
	return e.Reason + ": " + message
}
