package releases

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// LabelRoot is on the ConfigMap in which a controller keeps the state of a root sync; the label's
// value is the root's name.
const LabelRoot = "fairlead.dev/root"

// Keys of that ConfigMap.
const (
	rootStatusKey    = "status"    // JSON of a rootStatus
	rootRecordKey    = "record"    // JSON of the newest model.Record, without its inventory
	rootInventoryKey = "inventory" // as record.EncodeInventory writes it
)

// rootStatus is what a controller tells of a root.
type rootStatus struct {
	URL        string               `json:"url"`
	Ref        string               `json:"ref"`
	Paths      []string             `json:"paths"`
	Revision   int                  `json:"revision"`
	Commit     string               `json:"commit"`
	Status     string               `json:"status"` // a Status
	Message    string               `json:"message"`
	ObservedAt time.Time            `json:"observedAt"`
	Problems   []model.ObjectHealth `json:"problems"`
}

func viewRoot(cm *corev1.ConfigMap) View {
	v := viewOf(model.KindRoot, cm)
	// A root is asked for by the configuration, not by an object in a namespace.
	v.Namespace, v.Name = "", cmp.Or(cm.Labels[LabelRoot], cm.Name)
	v.Release = v.Name
	st, err := readRoot(cm, &v)
	if err != nil {
		v.Status, v.Message = Unknown, fmt.Sprintf("reading ConfigMap %s/%s: %v", cm.Namespace, cm.Name, err)
		return v
	}
	v.Revision, v.Commit, v.Version = st.Revision, st.Commit, shortVersion(st.Commit)
	v.Message, v.ObservedAt = st.Message, st.ObservedAt.UTC()
	v.Source = joinWords(append([]string{st.URL, st.Ref}, st.Paths...)...)
	switch s := Status(st.Status); s {
	case Healthy, Progressing, Degraded, Failed, OutOfSync, Suspended:
		v.Status = s
	case Status(model.Missing):
		v.Status = Degraded
	default:
		v.Status = Unknown
	}
	v.Healthy = v.Status == Healthy
	for _, p := range st.Problems {
		v.Conditions = append(v.Conditions, Condition{
			Type: p.Key.Short(), Status: "False", Reason: cmp.Or(p.Health.Reason, string(p.Health.Status)), Message: p.Health.Message,
		})
	}
	return v
}

// readRoot reads what the ConfigMap keeps; history and objects go into the view.
func readRoot(cm *corev1.ConfigMap, v *View) (st rootStatus, err error) {
	if err := json.Unmarshal([]byte(cm.Data[rootStatusKey]), &st); err != nil {
		return st, fmt.Errorf("key %q: %w", rootStatusKey, err)
	}
	v.History = []model.Record{}
	text := cm.Data[rootRecordKey]
	if text == "" {
		return st, nil
	}
	var rec model.Record
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		return st, fmt.Errorf("key %q: %w", rootRecordKey, err)
	}
	if rec.Inventory, err = record.DecodeInventory(cm.Data[rootInventoryKey]); err != nil {
		return st, fmt.Errorf("key %q: %w", rootInventoryKey, err)
	}
	v.History = []model.Record{rec}
	return st, nil
}
