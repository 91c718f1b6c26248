package health

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// mount names the volume, or the pod network, that a pod waits for before its containers are made.
func (d *diagnosis) mount(ctx context.Context, p *corev1.Pod, events []corev1.Event) (*finding, error) {
	for _, c := range containers(p) {
		if c.status.State.Running != nil || c.status.State.Terminated != nil {
			return nil, nil // volumes are mounted before the first container starts
		}
	}
	for i := range events {
		e := &events[i]
		switch e.Reason {
		case "FailedMount", "FailedAttachVolume", "FailedMapVolume":
		case "FailedCreatePodSandBox", "NetworkNotReady":
			f := d.mountFinding(p, e)
			f.next = "check the pod network of Node/" + p.Spec.NodeName
			return f, nil
		default:
			continue
		}
		if strings.Contains(e.Message, "timed out waiting for the condition") && i+1 < len(events) && anyMount(events[i+1:]) {
			continue // the summary of an older event that says more
		}
		f := d.mountFinding(p, e)
		ref, ok := mountReference(p, e.Message)
		if !ok {
			f.add(model.RoleCause, podKey(p), "%s", oneLine(clean(e.Message)))
			f.finalAfter(d.o.Rules.Mount, later(firstSeen(e), d.o.Since), d.o.Now)
			return f, nil
		}
		return f, d.absent(ctx, p, ref, f)
	}
	return nil, nil
}

func anyMount(events []corev1.Event) bool {
	for i := range events {
		if events[i].Reason == "FailedMount" || events[i].Reason == "FailedAttachVolume" {
			return true
		}
	}
	return false
}

func (d *diagnosis) mountFinding(p *corev1.Pod, e *corev1.Event) *finding {
	f := &finding{reason: e.Reason, next: "check the volume and its driver"}
	f.add(model.RoleObject, podKey(p), "ContainerCreating for %s", rounded(d.o.Now.Sub(p.CreationTimestamp.Time)))
	f.add(model.RoleEvent, podKey(p), "%s", eventText(e, oneLine(clean(e.Message))))
	return f
}

// mountReference reads which Secret, ConfigMap or key of one a volume wants.
func mountReference(p *corev1.Pod, message string) (reference, bool) {
	ref, ok := missingReference(p.Namespace, message)
	name := ""
	if m := volumeNamed.FindStringSubmatch(message); m != nil {
		name = m[1]
	}
	if ok {
		ref.place = volumeOf(p, ref)
		return ref, true
	}
	m := volumeKey.FindStringSubmatch(message)
	if m == nil {
		return reference{}, false
	}
	for _, v := range p.Spec.Volumes {
		if v.Name != name {
			continue
		}
		ref := reference{data: m[2], place: "volume " + name}
		switch {
		case v.Secret != nil:
			ref.key = model.ObjectKey{Kind: "Secret", Namespace: p.Namespace, Name: v.Secret.SecretName}
		case v.ConfigMap != nil:
			ref.key = model.ObjectKey{Kind: "ConfigMap", Namespace: p.Namespace, Name: v.ConfigMap.Name}
		default:
			return reference{}, false
		}
		return ref, true
	}
	return reference{}, false
}
