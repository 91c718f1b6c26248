package health

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Labels and annotations with which Kubernetes ties pods to the template they were made from.
const (
	annRevision        = "deployment.kubernetes.io/revision"
	labelTemplateHash  = "pod-template-hash"
	labelRevisionHash  = "controller-revision-hash"
	labelTemplateGen   = "pod-template-generation"
	annTemplateGen     = "deprecated.daemonset.template.generation"
	labelControllerUID = "batch.kubernetes.io/controller-uid"
)

// deployment looks at the pods of the current ReplicaSet only: those of older ones are on their
// way out, and what ails them is not what keeps this rollout from its end.
func (d *diagnosis) deployment(ctx context.Context, key model.ObjectKey, obj content, h model.Health) (string, []finding, error) {
	var dep appsv1.Deployment
	if err := decode(obj, &dep); err != nil {
		return h.Message, nil, err
	}
	if h.Reason == ReasonNotObserved {
		return h.Message, []finding{d.unobserved(key, h)}, nil
	}
	sets, err := d.replicaSets(ctx, &dep)
	if err != nil {
		return h.Message, nil, err
	}
	current := currentSet(sets)
	if current == nil {
		f := waitingFor(key, "waits for its first ReplicaSet")
		f.reason = ReasonNotObserved
		return h.Message, []finding{f}, nil
	}
	want := int32(1)
	if dep.Spec.Replicas != nil {
		want = *dep.Spec.Replicas
	}
	pods, err := d.podsOf(ctx, key.Namespace, current.Spec.Selector, current.UID)
	if err != nil {
		return h.Message, nil, err
	}
	setKey := model.ObjectKey{Group: "apps", Kind: "ReplicaSet", Namespace: key.Namespace, Name: current.Name}
	setLink := model.Link{Role: model.RoleObject, Object: setKey, Text: setText(current, len(pods))}
	found, err := d.workload(ctx, workload{
		key: setKey, pods: pods, deadline: h.Final, old: len(sets) > 1 && olderRun(sets, current), created: current.CreationTimestamp.Time,
	})
	for i := range found {
		found[i].links = slices.Insert(found[i].links, 0, setLink)
	}
	return fmt.Sprintf("%d/%d ready", readyPods(pods), want), found, err
}

func setText(set *appsv1.ReplicaSet, pods int) string {
	text := plural(int64(pods), "pod")
	if rev := set.Annotations[annRevision]; rev != "" {
		text = "revision " + rev + ", " + text
	}
	return text
}

func (d *diagnosis) unobserved(key model.ObjectKey, h model.Health) finding {
	f := finding{reason: ReasonNotObserved, next: "check that kube-controller-manager runs"}
	f.add(model.RoleCause, key, "%s: its controller has not answered", h.Message)
	return f
}

// replicaSets are the ones this Deployment owns: a selector alone may match others.
func (d *diagnosis) replicaSets(ctx context.Context, dep *appsv1.Deployment) ([]appsv1.ReplicaSet, error) {
	selector, err := metav1.LabelSelectorAsSelector(dep.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of Deployment/%s: %w", dep.Name, err)
	}
	sets, err := d.r.ReplicaSets(ctx, dep.Namespace, selector)
	if err != nil {
		return nil, fmt.Errorf("listing the ReplicaSets of Deployment/%s: %w", dep.Name, err)
	}
	return slices.DeleteFunc(sets, func(s appsv1.ReplicaSet) bool { return !ownedBy(&s.ObjectMeta, dep.UID) }), nil
}

// currentSet is the ReplicaSet of the highest revision. A rollback to an older template gives its
// old ReplicaSet a new, highest revision, so age does not decide.
func currentSet(sets []appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var best *appsv1.ReplicaSet
	bestRev := int64(-1)
	for i := range sets {
		rev, err := strconv.ParseInt(sets[i].Annotations[annRevision], 10, 64)
		if err != nil {
			rev = 0
		}
		newer := best != nil && rev == bestRev && best.CreationTimestamp.Before(&sets[i].CreationTimestamp)
		if rev > bestRev || newer {
			best, bestRev = &sets[i], rev
		}
	}
	return best
}

func olderRun(sets []appsv1.ReplicaSet, current *appsv1.ReplicaSet) bool {
	return slices.ContainsFunc(sets, func(s appsv1.ReplicaSet) bool {
		return s.UID != current.UID && s.Status.Replicas > 0
	})
}

// podSet diagnoses what owns its pods directly: StatefulSet, DaemonSet, ReplicaSet.
func (d *diagnosis) podSet(ctx context.Context, key model.ObjectKey, obj content, h model.Health) (string, []finding, error) {
	if h.Reason == ReasonNotObserved {
		return h.Message, []finding{d.unobserved(key, h)}, nil
	}
	var selector metav1.LabelSelector
	if err := decode(obj.at("spec", "selector"), &selector); err != nil {
		return h.Message, nil, err
	}
	var meta metav1.ObjectMeta
	if err := decode(obj.at("metadata"), &meta); err != nil {
		return h.Message, nil, err
	}
	pods, err := d.podsOf(ctx, key.Namespace, &selector, meta.UID)
	if err != nil {
		return h.Message, nil, err
	}
	current, older := splitCurrent(obj, pods)
	w := workload{key: key, pods: current, deadline: h.Final, old: len(older) > 0, created: meta.CreationTimestamp.Time}
	found, err := d.workload(ctx, w)
	if !slices.ContainsFunc(found, troubling) && err == nil {
		// An ordered update waits for every pod before it goes on, so that a broken pod of the
		// old revision holds it up too.
		w.pods = older
		if obj.str("kind") == "StatefulSet" {
			w.stuck = keptBroken(obj)
		}
		var more []finding
		if more, err = d.workload(ctx, w); slices.ContainsFunc(more, troubling) {
			found = more
		}
	}
	return h.Message, found, err
}

func troubling(f finding) bool { return f.reason != ReasonPodsNotReady }

// splitCurrent tells the pods of the current revision from the older ones.
func splitCurrent(obj content, pods []corev1.Pod) (current, older []corev1.Pod) {
	label, want := labelRevisionHash, obj.str("status", "updateRevision")
	if obj.str("kind") == "DaemonSet" {
		label, want = labelTemplateGen, obj.str("metadata", "annotations", annTemplateGen)
	}
	for _, p := range pods {
		if got, ok := p.Labels[label]; ok && want != "" && got != want {
			older = append(older, p)
			continue
		}
		current = append(current, p)
	}
	return current, older
}

// workload is a set of pods and what made them.
type workload struct {
	key      model.ObjectKey // what creates the pods: its events tell of refused ones
	pods     []corev1.Pod
	deadline bool // the progress deadline has passed: whatever is found is final
	old      bool // pods of an older revision still run
	created  time.Time
	stuck    func(*corev1.Pod) bool // Kubernetes does not replace the pod while it is not ready; nil is none
}

// workload asks first whether the API server refuses the pods, then what ails those that exist.
func (d *diagnosis) workload(ctx context.Context, w workload) ([]finding, error) {
	var found []finding
	refused, err := d.refused(ctx, w)
	if err != nil {
		return nil, err
	}
	if refused != nil {
		found = append(found, *refused)
	}
	for i := range w.pods {
		p := &w.pods[i]
		if p.DeletionTimestamp != nil || podReady(p) || p.Status.Phase == corev1.PodSucceeded {
			continue
		}
		f, err := d.pod(ctx, p)
		if err != nil {
			return found, err
		}
		if w.stuck != nil && w.stuck(p) && troubling(f) {
			f = leftBehind(p, f)
		}
		found = append(found, f)
		if f.final && len(found) >= maxCauses {
			break
		}
	}
	if len(found) == 0 && len(w.pods) == 0 {
		found = append(found, waitingFor(w.key, "no pod was created yet"))
	}
	if len(found) == 0 {
		found = append(found, waitingFor(w.key, "its pods are ready, the count is yet to follow"))
	}
	if w.deadline {
		for i := range found {
			found[i].final = true
		}
	}
	return found, nil
}

func waitingFor(key model.ObjectKey, text string) finding {
	f := finding{reason: ReasonPodsNotReady}
	f.add(model.RoleCause, key, "%s", text)
	return f
}

// podsOf lists the pods that the owner with this UID made, in the order of their names.
func (d *diagnosis) podsOf(ctx context.Context, namespace string, sel *metav1.LabelSelector, owner any) ([]corev1.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(sel)
	if err != nil {
		return nil, fmt.Errorf("reading a pod selector: %w", err)
	}
	return d.podsBy(ctx, namespace, selector, fmt.Sprint(owner))
}

func (d *diagnosis) podsBy(ctx context.Context, namespace string, selector labels.Selector, owner string) ([]corev1.Pod, error) {
	pods, err := d.r.Pods(ctx, namespace, selector)
	if err != nil {
		return nil, fmt.Errorf("listing pods %s: %w", selector, err)
	}
	pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool {
		ref := metav1.GetControllerOf(&p)
		return ref == nil || string(ref.UID) != owner
	})
	slices.SortFunc(pods, func(a, b corev1.Pod) int {
		return cmpNames(a.Name, b.Name)
	})
	return pods, nil
}

// cmpNames orders web-2 before web-10.
func cmpNames(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	return 1
}

func ownedBy(m *metav1.ObjectMeta, uid any) bool {
	ref := metav1.GetControllerOf(m)
	return ref != nil && string(ref.UID) == fmt.Sprint(uid)
}

func readyPods(pods []corev1.Pod) int {
	n := 0
	for i := range pods {
		if podReady(&pods[i]) {
			n++
		}
	}
	return n
}

func podReady(p *corev1.Pod) bool {
	return podCondition(p, corev1.PodReady).Status == corev1.ConditionTrue
}

func podCondition(p *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range p.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func decode(obj content, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj, into); err != nil {
		return fmt.Errorf("decoding %s/%s: %w", obj.str("kind"), obj.str("metadata", "name"), err)
	}
	return nil
}

func podKey(p *corev1.Pod) model.ObjectKey {
	return model.ObjectKey{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
}
