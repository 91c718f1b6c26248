package health

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// crash names why a container does not stay: killed for memory, killed by its probe, a command
// that cannot run, an environment variable that hangs on something empty, or its own last words.
func (d *diagnosis) crash(ctx context.Context, c *container) (*finding, error) {
	end := c.ended()
	if end == nil {
		end = &corev1.ContainerStateTerminated{ExitCode: -1}
	}
	f := &finding{reason: "CrashLoopBackOff"}
	if c.waiting() != "CrashLoopBackOff" {
		f.reason = "ContainerFailed"
	}
	f.add(model.RoleObject, podKey(c.pod), "%s", c.ending(end))
	f.final = d.looping(c, d.allowedRestarts())

	if end.Reason == "OOMKilled" {
		return d.oomKilled(c, f), nil
	}
	if end.Reason == "ContainerCannotRun" || end.Reason == "StartError" {
		f.add(model.RoleCause, podKey(c.pod), "%s", runtimeText(d.quote(ctx, c.pod, end.Message)))
		f.reason, f.next = end.Reason, "check command and args of "+c.label()
		return f, nil
	}
	events, err := d.warnings(ctx, podKey(c.pod), c.pod.UID)
	if err != nil {
		return nil, err
	}
	log := d.crashLog(ctx, c, end, f)
	if dependency.MatchString(log) {
		// It looks for something that may still be starting, in this release or elsewhere.
		f.final = d.looping(c, d.o.Rules.Restarts+2)
	}
	if killed := d.killedByProbe(ctx, c, events); killed != nil && (end.ExitCode == 137 || end.ExitCode == 143) {
		f.links = append(f.links, killed.links...)
		f.reason, f.next = killed.reason, killed.next
		return f, nil
	}
	hung, err := d.environment(ctx, c, log, f)
	if err != nil || hung {
		return f, err
	}
	cause, next := lastWords(c, end.ExitCode, log)
	f.add(model.RoleCause, podKey(c.pod), "%s", cause)
	f.next = next
	return f, nil
}

// crashLog adds the container's last lines to f, or its termination message where there are none,
// and returns them; "" where nothing is known of them.
func (d *diagnosis) crashLog(ctx context.Context, c *container, end *corev1.ContainerStateTerminated, f *finding) string {
	log, known := d.log(ctx, c.pod, c.spec.Name, c.status.State.Running != nil)
	if log == "" && end.Message != "" {
		text, err := d.redact(ctx, c.pod, end.Message)
		log, known = lastLines(text), err == nil
	}
	f.add(model.RoleLog, podKey(c.pod), "%s", log)
	if !known {
		return ""
	}
	return log
}

func (c *container) ending(end *corev1.ContainerStateTerminated) string {
	text := c.label() + ": "
	if w := c.waiting(); w != "" {
		text += w + ", "
	}
	switch {
	case end.Reason == "OOMKilled":
		text += fmt.Sprintf("OOMKilled, exit %d", end.ExitCode)
	case end.ExitCode >= 0:
		text += fmt.Sprintf("exit %d", end.ExitCode)
	default:
		text += "ended"
	}
	if c.status.RestartCount > 0 {
		text += ", " + plural(int64(c.status.RestartCount), "restart")
	}
	if c.status.State.Running != nil {
		text += ", runs again"
	}
	return text
}

// looping reports whether a container has been restarted often enough to give up on it. One that
// runs again just now may have found what it lacked: its next end decides.
func (d *diagnosis) looping(c *container, allowed int32) bool {
	return c.status.State.Running == nil && d.restarts(c) >= allowed
}

func (d *diagnosis) allowedRestarts() int32 {
	if d.o.PeersStarting {
		return d.o.Rules.Restarts + 2
	}
	return d.o.Rules.Restarts
}

func (d *diagnosis) oomKilled(c *container, f *finding) *finding {
	f.reason = "OOMKilled"
	f.next = "raise resources.limits.memory of " + c.label() + ", or make it use less"
	limit, ok := c.spec.Resources.Limits[corev1.ResourceMemory]
	if !ok {
		f.add(model.RoleCause, podKey(c.pod), "the node ran out of memory: %s has no memory limit", c.label())
		f.next = "give the containers of the node memory limits, or the node more memory"
		return f
	}
	f.add(model.RoleCause, podKey(c.pod), "%s needs more memory than its limit of %s", c.label(), limit.String())
	d.located(f, limit.String())
	return f
}

// dependency matches the words of a program that cannot reach another.
var dependency = pattern.New(`(?i)connection refused|no such host|i/o timeout|name or service not known|temporary failure in name resolution|could not connect|connection timed out|getaddrinfo|ECONNREFUSED|ENOTFOUND|database system is starting up`)

// telling matches the lines that programs end with when something is wrong.
var telling = pattern.New(`(?i)\b(panic|fatal|error|exception|traceback|cannot|can't|failed|denied|refused|missing|invalid|undefined|unable|not found|no such|is empty|required|abort)`)

// stackFrame matches lines of a stack trace, which come after the point.
var stackFrame = pattern.New(`^\s|^goroutine \d|^\S+\.go:\d|^(created by|at) |^main\.main|^exit status`)

// lastWords makes a cause of the exit code and the log.
func lastWords(c *container, code int32, log string) (cause, next string) {
	next = "read the whole log: kubectl logs -n " + c.pod.Namespace + " " + c.pod.Name + " -c " + c.spec.Name
	if c.status.State.Terminated == nil {
		next += " --previous" // else nothing was started after it
	}
	line := ""
	lines := strings.Split(log, "\n")
	for i := len(lines) - 1; i >= 0 && log != ""; i-- {
		if stackFrame.MatchString(lines[i]) {
			continue
		}
		if line == "" {
			line = lines[i]
		}
		if telling.MatchString(lines[i]) {
			line = lines[i]
			break
		}
	}
	if strings.Contains(log, "exec format error") {
		return "the image is built for another platform than the node's: " + line, "build the image for the node's platform"
	}
	if line != "" {
		return strings.TrimSpace(line), next
	}
	switch code {
	case 0:
		return c.label() + " ends by itself with exit 0, where it should keep running", "let the command stay in the foreground"
	case 126:
		return "its command cannot be executed (exit 126)", "check the file mode of the command"
	case 127:
		return "its command was not found (exit 127)", "check command and PATH in the image"
	case 137:
		return c.label() + " was killed (SIGKILL)", next
	case 139:
		return c.label() + " crashed with a segmentation fault", next
	case 143:
		return c.label() + " was told to stop (SIGTERM)", next
	}
	return fmt.Sprintf("%s ends with exit %d", c.label(), code), next
}
