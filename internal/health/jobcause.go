package health

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// job looks at the pod that failed last: of those before it the kubelet may have no log any more.
func (d *diagnosis) job(ctx context.Context, key model.ObjectKey, obj content, h model.Health) (string, []finding, error) {
	var j batchv1.Job
	if err := decode(obj, &j); err != nil {
		return h.Message, nil, err
	}
	pods, err := d.podsBy(ctx, key.Namespace, labels.Set{labelControllerUID: string(j.UID)}.AsSelector(), string(j.UID))
	if err != nil {
		return h.Message, nil, err
	}
	w := workload{key: key, pods: pods, created: j.CreationTimestamp.Time}
	if h.Final {
		w.pods = lastFailed(pods)
	}
	found, err := d.workload(ctx, w)
	limit := int32(6)
	if j.Spec.BackoffLimit != nil {
		limit = *j.Spec.BackoffLimit
	}
	for i := range found {
		f := &found[i]
		if h.Final {
			d.jobOver(jobEnd{key, h, failedPods(&j, pods), limit}, f)
			continue
		}
		if f.reason == "ContainerFailed" || f.reason == "CrashLoopBackOff" || f.reason == "OOMKilled" {
			// A job is made to be tried again: it has failed when Kubernetes says so.
			f.final, f.finalIn = false, 0
		}
	}
	return h.Message, found, err
}

// jobEnd is how a job failed for good.
type jobEnd struct {
	key         model.ObjectKey
	health      model.Health
	failed, max int32
}

// failedPods counts them too: the job's own count follows only after its pods are gone.
func failedPods(j *batchv1.Job, pods []corev1.Pod) int32 {
	n := int32(0)
	for i := range pods {
		if pods[i].Status.Phase == corev1.PodFailed {
			n++
		}
	}
	return max(n, j.Status.Failed)
}

// jobOver puts a failed job's own verdict before what its last pod shows.
func (d *diagnosis) jobOver(end jobEnd, f *finding) {
	key, h := end.key, end.health
	f.final = true
	text := h.Message
	if h.Reason == "BackoffLimitExceeded" && end.failed > 0 {
		text = fmt.Sprintf("failed %s (backoffLimit %d)", times(end.failed), end.max)
	}
	f.links = slices.Insert(f.links, 0, model.Link{Role: model.RoleObject, Object: key, Text: text})
	if f.reason == ReasonPodsNotReady {
		f.reason = h.Reason
		f.links = f.links[:1]
		f.add(model.RoleCause, key, "%s: %s", key.Short(), h.Message)
	}
	if h.Reason == "DeadlineExceeded" {
		f.reason = h.Reason
		f.next = "raise activeDeadlineSeconds, or make the work shorter"
		return
	}
	if f.next == "" {
		f.next = "kubectl logs -n " + key.Namespace + " job/" + key.Name
	}
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func lastFailed(pods []corev1.Pod) []corev1.Pod {
	pods = slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int {
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	})
	return pods[:min(1, len(pods))]
}
