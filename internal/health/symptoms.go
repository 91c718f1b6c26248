package health

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// symptoms sum up, for each of the workloads, what looks like trouble in a feed. Zero is no
// trouble. A different number means that there is something new to diagnose; the same number that
// there is not, so that a watch full of ordinary progress costs no reads.
func symptoms(f *feed, workloads map[model.ObjectKey]bool, since time.Time) map[model.ObjectKey]uint64 {
	marks := map[model.ObjectKey][]string{}
	owner := map[string]model.ObjectKey{}
	for _, p := range f.allPods() {
		key := workloadOf(p)
		if !workloads[key] || p.DeletionTimestamp != nil {
			continue
		}
		owner[p.Name] = key
		if m := podSymptom(p); m != "" {
			marks[key] = append(marks[key], m)
		}
	}
	for _, e := range f.allWarnings() {
		if eventTime(e).Before(since.Add(-2 * time.Second)) {
			continue
		}
		if key, ok := eventOwner(e, owner, workloads); ok {
			marks[key] = append(marks[key], fmt.Sprint(e.UID, eventCount(e)))
		}
	}
	sums := map[model.ObjectKey]uint64{}
	for key, m := range marks {
		h := fnv.New64a()
		_, _ = h.Write([]byte(strings.Join(m, "\n")))
		sums[key] = h.Sum64()
	}
	return sums
}

// eventOwner is the workload that an event tells of.
func eventOwner(e *corev1.Event, podOwner map[string]model.ObjectKey, workloads map[model.ObjectKey]bool) (model.ObjectKey, bool) {
	about := e.InvolvedObject
	if about.Kind == "Pod" {
		key, ok := podOwner[about.Name]
		return key, ok
	}
	for key := range workloads {
		if key.Namespace != about.Namespace {
			continue
		}
		if key.Kind == about.Kind && key.Name == about.Name {
			return key, true
		}
		hash, ok := strings.CutPrefix(about.Name, key.Name+"-")
		if key.Kind == "Deployment" && about.Kind == "ReplicaSet" && ok && !strings.Contains(hash, "-") {
			return key, true
		}
	}
	return model.ObjectKey{}, false
}

// podSymptom is empty for a pod that is on its way.
func podSymptom(p *corev1.Pod) string {
	var marks []string
	if p.Status.Phase == corev1.PodFailed {
		marks = append(marks, "failed", p.Status.Reason)
	}
	if c := podCondition(p, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		marks = append(marks, c.Reason, c.Message)
	}
	for _, c := range containers(p) {
		if reason := c.waiting(); troubled(reason) {
			marks = append(marks, c.spec.Name, reason)
		}
		end := c.ended()
		if end != nil && end.ExitCode != 0 && !c.status.Ready {
			marks = append(marks, c.spec.Name, fmt.Sprint(end.ExitCode, c.status.RestartCount, c.status.State.Running != nil))
		}
	}
	if len(marks) == 0 {
		return ""
	}
	return p.Name + " " + strings.Join(marks, " ")
}

// countRestarts remembers how often the containers of pods that are older than the rollout had
// been restarted when they were first seen.
func countRestarts(f *feed, since time.Time, baseline map[containerID]int32) {
	for _, p := range f.allPods() {
		if !p.CreationTimestamp.Time.Before(since.Add(-2 * time.Second)) {
			continue
		}
		for _, c := range containers(p) {
			id := containerID{string(p.UID), c.spec.Name}
			if _, seen := baseline[id]; !seen {
				baseline[id] = c.status.RestartCount
			}
		}
	}
}
