package health

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// probeFailed is the kubelet's Unhealthy event: which probe, and what it got.
var probeFailed = pattern.New(`(?s)^(Readiness|Liveness|Startup) probe (?:failed|errored[^:]*): ?(.*)$`)

// statusCode is how the kubelet reports an HTTP answer.
var statusCode = pattern.New(`HTTP probe failed with statuscode: (\d+)`)

// probe names the probe that keeps a running container from being ready.
func (d *diagnosis) probe(ctx context.Context, p *corev1.Pod, events []corev1.Event) *finding {
	for _, c := range containers(p) {
		if c.status.State.Running == nil || c.status.Ready {
			continue
		}
		for i := range events {
			if events[i].Reason != "Unhealthy" || !ofContainer(&events[i], &c) {
				continue
			}
			if eventTime(&events[i]).Before(c.status.State.Running.StartedAt.Time) {
				continue // of the container before this one
			}
			kind, answer, ok := d.probeAnswer(ctx, p, &events[i])
			if !ok {
				continue
			}
			f := &finding{reason: kind + "ProbeFailed"}
			state := c.label() + " runs, not ready"
			if n := c.status.RestartCount; n > 0 {
				state += ", " + plural(int64(n), "restart")
			}
			f.add(model.RoleObject, podKey(p), "%s", state)
			log, _ := d.log(ctx, p, c.spec.Name, false)
			f.add(model.RoleLog, podKey(p), "%s", log)
			f.add(model.RoleCause, podKey(p), "%s", probeText(&c, kind, answer))
			f.next = probeNext(&c, kind, answer)
			// Failing its startup or liveness probe, a container is restarted: so often is enough.
			f.final = kind != "Readiness" && d.restarts(&c) >= d.allowedRestarts()
			return f
		}
	}
	return nil
}

// killedByProbe tells whether the kubelet killed a container because a probe failed.
func (d *diagnosis) killedByProbe(ctx context.Context, c *container, events []corev1.Event) *finding {
	for i := range events {
		if events[i].Reason != "Unhealthy" || !ofContainer(&events[i], c) {
			continue
		}
		kind, answer, ok := d.probeAnswer(ctx, c.pod, &events[i])
		if !ok || kind == "Readiness" {
			continue
		}
		f := &finding{reason: kind + "ProbeFailed", next: probeNext(c, kind, answer)}
		f.add(model.RoleCause, podKey(c.pod), "%s, so the kubelet restarts %s", probeText(c, kind, answer), c.label())
		return f
	}
	return nil
}

// ofContainer reports whether an event is about this container; the kubelet names it in the field
// path, "spec.containers{api}".
func ofContainer(e *corev1.Event, c *container) bool {
	path := e.InvolvedObject.FieldPath
	return path == "" || strings.HasSuffix(path, "{"+c.spec.Name+"}")
}

func (d *diagnosis) probeAnswer(ctx context.Context, p *corev1.Pod, e *corev1.Event) (kind, answer string, ok bool) {
	m := probeFailed.FindStringSubmatch(e.Message)
	if m == nil {
		return "", "", false
	}
	answer = d.quote(ctx, p, m[2])
	if code := statusCode.FindStringSubmatch(answer); code != nil {
		answer = "answers " + code[1]
	}
	return m[1], clip(answer, 240), true
}

func probeOf(c *container, kind string) *corev1.Probe {
	switch kind {
	case "Readiness":
		return c.spec.ReadinessProbe
	case "Liveness":
		return c.spec.LivenessProbe
	}
	return c.spec.StartupProbe
}

// probeText is "readiness probe GET :8080/health of container api answers 503".
func probeText(c *container, kind, answer string) string {
	text := strings.ToLower(kind) + " probe"
	if p := probeOf(c, kind); p != nil {
		switch {
		case p.HTTPGet != nil:
			text += fmt.Sprintf(" GET :%s%s", p.HTTPGet.Port.String(), p.HTTPGet.Path)
		case p.TCPSocket != nil:
			text += fmt.Sprintf(" on TCP port %s", p.TCPSocket.Port.String())
		case p.GRPC != nil:
			text += fmt.Sprintf(" on gRPC port %d", p.GRPC.Port)
		case p.Exec != nil:
			text += fmt.Sprintf(" %q", clip(strings.Join(p.Exec.Command, " "), 80))
		}
	}
	text += " of " + c.label()
	switch {
	case strings.HasPrefix(answer, "answers "):
		return text + " " + answer
	case answer == "":
		return text + " fails"
	}
	return text + ": " + answer
}

func probeNext(c *container, kind, answer string) string {
	p := probeOf(c, kind)
	switch {
	case strings.Contains(answer, "connection refused") && p != nil:
		return fmt.Sprintf("nothing listens on the probed port; %s declares %s", c.label(), portsOf(c))
	case strings.HasPrefix(answer, "answers 404"):
		return "correct the probe's path"
	case strings.HasPrefix(answer, "answers "):
		return "see why the application answers so, in its log"
	case strings.Contains(answer, "deadline exceeded"), strings.Contains(answer, "timed out"), strings.Contains(answer, "Timeout"):
		return "the answer takes longer than the probe's timeoutSeconds: raise it, or give the container more cpu"
	}
	return "check the probe, and the log of " + c.label()
}

func portsOf(c *container) string {
	if len(c.spec.Ports) == 0 {
		return "no port"
	}
	var ports []string
	for _, p := range c.spec.Ports {
		text := fmt.Sprint(p.ContainerPort)
		if p.Name != "" {
			text += " (" + p.Name + ")"
		}
		ports = append(ports, text)
	}
	return strings.Join(ports, ", ")
}
