package releases

import (
	"cmp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Status is how a release stands, in one word.
type Status string

// The statuses. The first ones are the words of model.HealthStatus.
const (
	Healthy     Status = "Healthy"
	Progressing Status = "Progressing"
	Degraded    Status = "Degraded"
	Failed      Status = "Failed"    // the last run failed
	OutOfSync   Status = "OutOfSync" // differs from Git, and nobody allowed to change that
	Held        Status = "Held"      // healthy, and kept at a revision that is not Git's
	Suspended   Status = "Suspended"
	Unknown     Status = "Unknown"
)

// View is a release as people and scripts see it. Its JSON form is part of the API.
type View struct {
	Kind        model.Kind `json:"kind"`
	Namespace   string     `json:"namespace,omitempty"` // of the object that asks for it
	Name        string     `json:"name"`
	Environment string     `json:"environment,omitempty"`
	Revision    int        `json:"revision,omitempty"` // newest in the history; 0 is none or not known
	Version     string     `json:"version,omitempty"`  // chart version or short commit that runs
	Status      Status     `json:"status"`
	Age         string     `json:"age"`
	Message     string     `json:"message,omitempty"`

	Release         string      `json:"release,omitempty"` // Helm's name for it
	TargetNamespace string      `json:"targetNamespace,omitempty"`
	Commit          string      `json:"commit,omitempty"` // full
	Attempted       string      `json:"attempted,omitempty"`
	Reason          string      `json:"reason,omitempty"`
	Healthy         bool        `json:"healthy"` // the objects that run do well, held or not
	Hold            *model.Hold `json:"hold,omitempty"`
	CreatedAt       time.Time   `json:"createdAt,omitzero"`
	ObservedAt      time.Time   `json:"observedAt,omitzero"`
	Source          string      `json:"source,omitempty"` // "https://git.example.com/fleet charts/web"
	Conditions      []Condition `json:"conditions,omitempty"`

	// Objects are what the request's own status says it consists of; nil where the history knows.
	Objects []model.ObjectKey `json:"-"`
	// History is what the request's own status says of the past; nil where Helm's storage knows.
	History []model.Record `json:"-"`
	// RollingOut: a revision that is not recorded yet is being rolled out.
	RollingOut bool `json:"-"`
	// Object is the object that asks for the release, and carries wishes about it.
	Object types.NamespacedName `json:"-"`
	// Handled is the WishToken that a controller handled last.
	Handled string `json:"-"`
}

// Condition is one condition of the request.
type Condition struct {
	Type    string    `json:"type"`
	Status  string    `json:"status"` // "True", "False", "Unknown"
	Reason  string    `json:"reason,omitempty"`
	Message string    `json:"message,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// ID names the request.
func (v *View) ID() model.ReleaseID {
	return model.ReleaseID{Kind: v.Kind, Namespace: v.Namespace, Name: v.Name}
}

// Short is how people name it: "shop/api".
func (v *View) Short() string {
	if v.Namespace == "" {
		return v.Name
	}
	return v.Namespace + "/" + v.Name
}

// Condition is the condition of the given type, or nil.
func (v *View) Condition(typ string) *Condition {
	for i := range v.Conditions {
		if v.Conditions[i].Type == typ {
			return &v.Conditions[i]
		}
	}
	return nil
}

func (v *View) age(now time.Time) { v.Age = output.Age(now.Sub(v.CreatedAt)) }

// Settled reports whether nothing is going on: the status will stay as it is until something
// happens.
func (v *View) Settled() bool { return v.Status != Progressing && v.Status != Unknown }

// WishToken names the wishes in a request's annotations; a controller repeats it when it has handled
// them.
func WishToken(annotations map[string]string) string {
	return annotations[model.AnnotationSync] + "/" + annotations[model.AnnotationResume]
}

// compare orders views by namespace, name and kind.
func compare(a, b View) int {
	return cmp.Or(
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
		strings.Compare(string(a.Kind), string(b.Kind)),
	)
}

// shortVersion is what fits in a column: seven characters of a commit, or a version as it is.
func shortVersion(s string) string {
	if isCommit(s) {
		return s[:7]
	}
	return s
}

func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
