package releases

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// LabelRoot is on a ConfigMap that records a root sync; the label's value is the root's name, and the
// key "status" holds a rootStatus as JSON.
const LabelRoot = "fairlead.dev/root"

// rootStatus is what a controller writes of a root sync.
type rootStatus struct {
	URL        string            `json:"url"`
	Branch     string            `json:"branch"`
	Paths      []string          `json:"paths"`
	Revision   int               `json:"revision"`
	Commit     string            `json:"commit"`
	Attempted  string            `json:"attempted"`
	Status     string            `json:"status"` // a Status
	Reason     string            `json:"reason"`
	Message    string            `json:"message"`
	ObservedAt time.Time         `json:"observedAt"`
	Objects    []model.ObjectKey `json:"objects"`
	Conditions []Condition       `json:"conditions"`
}

func viewRoot(cm *corev1.ConfigMap) View {
	v := viewOf(model.KindRoot, cm)
	// A root is asked for by the configuration, not by an object in a namespace.
	v.Namespace, v.Name = "", cmp.Or(cm.Labels[LabelRoot], cm.Name)
	v.Release = v.Name
	var st rootStatus
	if err := json.Unmarshal([]byte(cm.Data["status"]), &st); err != nil {
		v.Status, v.Message = Unknown, fmt.Sprintf("reading ConfigMap %s/%s: %v", cm.Namespace, cm.Name, err)
		return v
	}
	v.Revision, v.Commit, v.Version = st.Revision, st.Commit, shortVersion(st.Commit)
	if st.Attempted != st.Commit {
		v.Attempted = st.Attempted
	}
	v.Reason, v.Message, v.ObservedAt = st.Reason, st.Message, st.ObservedAt.UTC()
	v.Objects, v.Conditions = st.Objects, st.Conditions
	v.Source = joinWords(append([]string{st.URL, st.Branch}, st.Paths...)...)
	switch s := Status(st.Status); s {
	case Healthy, Progressing, Degraded, Failed, OutOfSync, Held, Suspended:
		v.Status = s
	default:
		v.Status = Unknown
	}
	v.Healthy = v.Status == Healthy
	v.hold(parseHold(cm.Annotations))
	return v
}
