package health

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

var (
	nodesFit     = pattern.New(`^0/(\d+) nodes are available: `)
	insufficient = pattern.New(`Insufficient (\S+?)[.,]?$`)
	classMissing = pattern.New(`storageclass\S* "([^"]+)" not found`)
	claimMissing = pattern.New(`persistentvolumeclaim "([^"]+)" not found`)
	taintText    = pattern.New(`untolerated taint\(?s?\)? \{([^}]*)\}`)
)

// schedulingReasons reduces the scheduler's message to its reasons, each with the number of nodes
// it rules out: "2 Insufficient cpu".
func schedulingReasons(message string) (nodes string, reasons []string) {
	// The plugins that tried to make room add their own reports, from 1.34 on that of resource
	// claims too; they say nothing of why the pod does not fit.
	message = strings.Replace(oneLine(message), "no new claims to deallocate,", "", 1)
	if i := strings.Index(message, "preemption:"); i > 0 {
		message = message[:i]
	}
	m := nodesFit.FindStringSubmatch(message)
	if m != nil {
		nodes, message = m[1], message[len(m[0]):]
	}
	for part := range strings.SplitSeq(strings.TrimRight(message, ". "), ", ") {
		if part = strings.TrimSpace(part); part != "" {
			reasons = append(reasons, part)
		}
	}
	return nodes, reasons
}

// unschedulable names what no node can give the pod.
func (d *diagnosis) unschedulable(ctx context.Context, p *corev1.Pod, cond corev1.PodCondition) (finding, error) {
	f := finding{reason: "Unschedulable"}
	if cond.Reason == corev1.PodReasonSchedulingGated {
		f.reason = cond.Reason
		f.add(model.RoleCause, podKey(p), "held back by a scheduling gate")
		return f, nil
	}
	nodes, reasons := schedulingReasons(cond.Message)
	all := strings.Join(reasons, " ")
	if m := claimMissing.FindStringSubmatch(all); m != nil {
		key := model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: p.Namespace, Name: m[1]}
		f.reason = "MissingVolumeClaim"
		f.finalAfter(d.o.Rules.Unschedulable, later(cond.LastTransitionTime.Time, d.o.Since), d.o.Now)
		f.add(model.RoleCause, key, "%s does not exist", key.Short())
		f.next = "create " + key.Short() + ", or correct the volume's claimName"
		return f, nil
	}
	if strings.Contains(all, "unbound immediate PersistentVolumeClaims") {
		return f, d.unboundClaim(ctx, p, &f)
	}
	f.add(model.RoleObject, podKey(p), "no node fits")
	text := strings.Join(reasons, ", ")
	if nodes != "" {
		text = fmt.Sprintf("0 of %s nodes fit: %s", nodes, text)
	}
	want, next := wanted(p, reasons)
	if want != "" {
		text += "; " + want
	}
	f.add(model.RoleCause, podKey(p), "%s", text)
	f.next = next
	f.finalAfter(d.o.Rules.Unschedulable, later(cond.LastTransitionTime.Time, d.o.Since), d.o.Now)
	if f.final {
		return f, d.awaitNode(ctx, p, &f)
	}
	return f, nil
}

// awaitNode takes back that a pod is unschedulable for good when an autoscaler has said that it
// makes a node for it.
func (d *diagnosis) awaitNode(ctx context.Context, p *corev1.Pod, f *finding) error {
	events, err := direct(d.r).Events(ctx, podKey(p)) // the feeds hold warnings alone
	if err != nil {
		return fmt.Errorf("listing the events of %s: %w", podKey(p).Short(), err)
	}
	for i := range events {
		e := &events[i]
		// The words of cluster-autoscaler and of Karpenter.
		if e.Reason == "TriggeredScaleUp" || e.Reason == "Nominated" {
			f.final = false
			f.add(model.RoleEvent, podKey(p), "%s", eventText(e, oneLine(clean(e.Message))))
		}
	}
	return nil
}

// wanted says what the pod asks for where a node lacks it, and what to do.
func wanted(p *corev1.Pod, reasons []string) (want, next string) {
	for _, r := range reasons {
		if m := insufficient.FindStringSubmatch(r); m != nil {
			name := corev1.ResourceName(m[1])
			sum := requested(p, name)
			return fmt.Sprintf("the pod requests %s %s", name, sum.String()),
				fmt.Sprintf("lower resources.requests.%s, or add a node", name)
		}
	}
	for _, r := range reasons {
		switch {
		case strings.Contains(r, "affinity/selector"):
			if len(p.Spec.NodeSelector) > 0 {
				return "nodeSelector " + selectorText(p.Spec.NodeSelector), "label a node, or change nodeSelector"
			}
			return "the pod's nodeAffinity matches none", "label a node, or change the affinity"
		case taintText.MatchString(r):
			return "", "add a toleration for " + taintText.FindStringSubmatch(r)[1] + ", or remove the taint"
		case strings.Contains(r, "Too many pods"):
			return "", "add a node"
		case strings.Contains(r, "were unschedulable"):
			return "", "uncordon a node (kubectl uncordon), or add one"
		}
	}
	return "", "add a node that fits, or change what the pod asks for"
}

func selectorText(m map[string]string) string {
	pairs := make([]string, 0, len(m))
	for k, v := range m {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// requested sums what the scheduler counts for a pod: the containers together, or the largest
// init container where that is more.
func requested(p *corev1.Pod, name corev1.ResourceName) *resource.Quantity {
	sum := resource.Quantity{}
	for _, c := range p.Spec.Containers {
		sum.Add(c.Resources.Requests[name])
	}
	for _, c := range p.Spec.InitContainers {
		if q := c.Resources.Requests[name]; q.Cmp(sum) > 0 {
			sum = q
		}
	}
	return &sum
}

// unboundClaim follows a pod that waits for a volume to the claim that has none: to one that something is
// wrong with rather than to one that waits for its pod by design.
func (d *diagnosis) unboundClaim(ctx context.Context, p *corev1.Pod, f *finding) error {
	var claim *finding
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		found, err := d.pendingClaim(ctx, model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: p.Namespace, Name: v.PersistentVolumeClaim.ClaimName})
		if err != nil {
			return err
		}
		if found == nil {
			continue
		}
		if claim == nil || severity(*found) > severity(*claim) || claim.reason == reasonFirstConsumer {
			claim = found
		}
	}
	if claim == nil {
		f.add(model.RoleCause, podKey(p), "waits for a volume that is not bound")
		return nil
	}
	*f = *claim
	return nil
}

// reasonFirstConsumer is the event of a claim that waits for its first pod by design.
const reasonFirstConsumer = "WaitForFirstConsumer"

// pendingClaim says what a claim waits for; nil is one that is bound, or may not be read.
func (d *diagnosis) pendingClaim(ctx context.Context, key model.ObjectKey) (*finding, error) {
	obj, err := d.r.Object(ctx, key)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key.Short(), err)
	}
	if content(obj).str("status", "phase") == "Bound" {
		return nil, nil
	}
	h := Of(obj)
	if h.Status == model.Healthy { // the claim cannot tell that its class is missing
		h = progressing("Pending", "waits for a volume of storage class %s", content(obj).str("spec", "storageClassName"))
	}
	found, err := d.volumeClaim(ctx, key, h)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// volumeClaim tells what its provisioner said last.
func (d *diagnosis) volumeClaim(ctx context.Context, key model.ObjectKey, h model.Health) ([]finding, error) {
	if h.Status == model.Healthy {
		return nil, nil
	}
	events, err := d.r.Events(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("listing the events of %s: %w", key.Short(), err)
	}
	f := finding{reason: "VolumePending", next: "check the storage class and its provisioner", final: h.Final}
	f.add(model.RoleObject, key, "%s", h.Message)
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return eventTime(&b).Compare(eventTime(&a)) })
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return strings.Compare(b.Type, a.Type) }) // warnings first
	if len(events) == 0 {
		f.add(model.RoleCause, key, "%s: %s", key.Short(), h.Message)
		return []finding{f}, nil
	}
	e := &events[0]
	f.reason = e.Reason
	f.add(model.RoleCause, key, "%s: %s", key.Short(), oneLine(clean(e.Message)))
	grace := d.o.Rules.Mount
	switch m := classMissing.FindStringSubmatch(e.Message); {
	case m != nil:
		grace = d.o.Rules.Missing
		f.next = fmt.Sprintf("create StorageClass/%s, or correct storageClassName; kubectl get storageclass lists those there are", m[1])
	case strings.Contains(e.Message, "no storage class is set"):
		f.next = "set storageClassName, or make a class the default one; kubectl get storageclass lists those there are"
	}
	if e.Type == corev1.EventTypeWarning || e.Reason == "FailedBinding" {
		f.finalAfter(grace, later(firstSeen(e), d.o.Since), d.o.Now)
	}
	return []finding{f}, nil
}
