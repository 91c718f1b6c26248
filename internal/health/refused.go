package health

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// refusal is one way in which the API server refuses a pod.
type refusal struct {
	pattern *pattern.Regexp
	reason  string
	next    string
	// when says how long it may last before it is final
	when refusalPatience
}

type refusalPatience int

const (
	never   refusalPatience = iota // the outside may come back
	atOnce                         // the manifest must change
	missed                         // something may be created a moment later
	drained                        // older pods may make room
)

// refusals are the API server's and its admission plugins' words.
var refusals = []refusal{
	{pattern.New(`exceeded quota: `), "QuotaExceeded", "raise the quota, or lower what the pods request", drained},
	{pattern.New(`failed quota: `), "QuotaExceeded", "set the requests and limits that the quota asks for", atOnce},
	{pattern.New(`violates PodSecurity`), "PodSecurity", "set the securityContext that the namespace's pod security level asks for", atOnce},
	{pattern.New(`admission webhook "[^"]+" denied|ValidatingAdmissionPolicy`), "AdmissionDenied", "change what the policy refuses", atOnce},
	{pattern.New(`failed calling webhook|failed to call webhook`), "WebhookUnreachable", "bring the webhook's service back", never},
	{pattern.New(`serviceaccount "default" not found`), "MissingServiceAccount", "check that kube-controller-manager runs", never},
	{pattern.New(`serviceaccount "[^"]+" not found|error looking up service account`), "MissingServiceAccount", "create the service account, or correct serviceAccountName", missed},
	{pattern.New(`no PriorityClass with name|PriorityClass .* not found`), "MissingPriorityClass", "create the priority class, or correct priorityClassName", missed},
	{pattern.New(`(minimum|maximum) \S+ usage per|LimitRange|limit to request ratio`), "LimitRange", "keep to the namespace's LimitRange", atOnce},
	{pattern.New(`unable to validate against any (security context constraint|pod security policy)`), "PodSecurity", "grant the service account a fitting security context constraint", atOnce},
	{pattern.New(`is invalid: `), "InvalidPod", "correct the pod template", atOnce},
	{pattern.New(`is being terminated|because it is being terminated`), "NamespaceTerminating", "wait until the namespace is gone, then make it anew", atOnce},
	{pattern.New(`is forbidden: `), "Forbidden", "", atOnce},
}

// refused tells why the pods of a workload are not even created. A Deployment's ReplicaSet says so
// in a condition too, but only events exist for all kinds, and they go on as long as it is tried.
func (d *diagnosis) refused(ctx context.Context, w workload) (*finding, error) {
	events, err := d.warnings(ctx, w.key, "")
	if err != nil {
		return nil, err
	}
	for i := range events {
		e := &events[i]
		if e.Reason != "FailedCreate" {
			continue
		}
		if d.outlived(w, e) {
			return nil, nil
		}
		f := d.refusal(w, e)
		return &f, nil
	}
	return nil, nil
}

// outlived reports whether a pod was created after the refusal: then it is over.
func (d *diagnosis) outlived(w workload, e *corev1.Event) bool {
	for i := range w.pods {
		// created in the same second may be before or after: events have no finer time
		if w.pods[i].CreationTimestamp.After(eventTime(e)) {
			return true
		}
	}
	return false
}

func (d *diagnosis) refusal(w workload, e *corev1.Event) finding {
	message := refusalText(oneLine(clean(e.Message)))
	f := finding{reason: "FailedCreate", next: "see the message"}
	f.add(model.RoleEvent, w.key, "%s", eventText(e, message))
	began := later(firstSeen(e), d.o.Since)
	for _, r := range refusals {
		if !r.pattern.MatchString(message) {
			continue
		}
		f.reason = r.reason
		if r.next != "" {
			f.next = r.next
		}
		switch r.when {
		case atOnce:
			f.final = true
		case missed:
			f.finalAfter(d.o.Rules.Missing, began, d.o.Now)
		case drained:
			// A rolling update may need the room of pods that are about to go.
			f.final = !w.old
			if w.old {
				f.finalAfter(d.o.Rules.Quota, began, d.o.Now)
			}
		}
		break
	}
	f.add(model.RoleCause, w.key, "%s", reasonOnly(message))
	return f
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func firstSeen(e *corev1.Event) time.Time {
	if !e.FirstTimestamp.IsZero() {
		return e.FirstTimestamp.Time
	}
	return eventTime(e)
}

var (
	createPrefix = pattern.New(`^(Error creating: |create Pod \S+ in StatefulSet \S+ failed error: |create Claim .* failed error: )`)
	podForbidden = pattern.New(`^pods? "[^"]*" is (forbidden|invalid): `)
)

func refusalText(message string) string { return createPrefix.ReplaceAllString(message, "") }

// reasonOnly drops the random pod name, so that the same refusal reads the same twice.
func reasonOnly(message string) string {
	return strings.TrimSpace(podForbidden.ReplaceAllString(message, ""))
}
