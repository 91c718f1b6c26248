package controller

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// eventSink takes Kubernetes events; client-go's record.EventRecorder is one, and bounds how many
// it sends.
type eventSink interface {
	Event(object runtime.Object, eventType, reason, message string)
}

// maxEvent is the API server's limit for an event's message.
const maxEvent = 1024

// tell sends an event for what a person may want to know later: failures, what went back, what was
// put back. What went well is in the history, and costs no request here.
func (r *Reconciler) tell(id model.ReleaseID, rep *Report) {
	ref := r.reference(id)
	if ref == nil || r.events == nil {
		return
	}
	text := ""
	if rep.Err != nil {
		text = rep.Err.Error()
	}
	before := r.lastTold(id, text)
	out := rep.Outcome
	switch {
	case rep.Err != nil && text != before:
		r.events.Event(ref, corev1.EventTypeWarning, model.ReasonOf(rep.Err, "Failed"), cut(text))
	case out == nil:
	case out.RolledBack != nil:
		r.events.Event(ref, corev1.EventTypeWarning, "RolledBack", cut(rep.Decision.Why+": "+reasonOf(rep)))
	case rep.Decision.Verb == Rollback:
		r.events.Event(ref, corev1.EventTypeNormal, "RolledBack", cut(rep.Decision.Why))
	case rep.Decision.Verb == Repair && out.OK():
		r.events.Event(ref, corev1.EventTypeNormal, "DriftRepaired", cut(rep.Decision.Why))
	case len(rep.Repaired) > 0 && out.OK():
		r.events.Event(ref, corev1.EventTypeNormal, "DriftRepaired", cut(changedInCluster(rep.Repaired)))
	case rep.Decision.Verb == Upgrade && !out.OK() && out.Err == nil:
		r.events.Event(ref, corev1.EventTypeWarning, out.Verdict.Reason, cut(reasonOf(rep)))
	}
}

// lastTold gives what was told of a release last, and notes what is told now: an error that stays
// is told once.
func (r *Reconciler) lastTold(id model.ReleaseID, text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.told[id]
	r.told[id] = text
	return last
}

// reasonOf is why a run failed, in one line.
func reasonOf(rep *Report) string {
	v := rep.Outcome.Verdict
	if len(v.Causes) == 0 {
		return v.Message
	}
	return v.Causes[0].Object.Short() + ": " + v.Causes[0].Root()
}

// reference names the request object of a release; a root has none.
func (r *Reconciler) reference(id model.ReleaseID) *corev1.ObjectReference {
	var obj metav1.Object
	var gvk schema.GroupVersionKind
	switch id.Kind {
	case model.KindHelmRelease:
		if req, found := r.helmReleases.Get(id); found {
			obj, gvk = req.Object, helmReleaseGVK
		}
	case model.KindApplication:
		if req, found := r.applications.Get(id); found {
			obj, gvk = req.Object, applicationGVK
		}
	}
	if obj == nil {
		return nil
	}
	return &corev1.ObjectReference{
		APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Namespace: obj.GetNamespace(), Name: obj.GetName(),
		UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(),
	}
}

// cut keeps an event's message within the API server's limit, at the end of a word where it can.
func cut(s string) string {
	if len(s) <= maxEvent {
		return s
	}
	s = strings.ToValidUTF8(s[:maxEvent-4], "")
	if i := strings.LastIndexByte(s, ' '); i > maxEvent/2 {
		s = s[:i]
	}
	return s + " ..."
}
