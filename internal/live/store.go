package live

import (
	"context"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// HealthFunc tells how an object does. It must not keep or change the object.
type HealthFunc func(obj *unstructured.Unstructured) model.Health

// Options of a Store.
type Options struct {
	// Health gives the health function of a kind; nil means that the kind has no health of its own
	// and its metadata is all that is watched.
	Health func(gvk schema.GroupVersionKind) HealthFunc
}

// Store is what the watches told last.
type Store struct{}

// New makes an empty store; Ensure starts watches. They end with ctx.
func New(ctx context.Context, c *kube.Client, o Options) *Store { panic("coming") }

// Ensure starts a watch on a kind and returns when its first complete list is in. It is idempotent
// and cheap when the watch runs.
func (s *Store) Ensure(ctx context.Context, gvks ...schema.GroupVersionKind) error { panic("coming") }

// Observe gives the live state of keys that exist and of every object with the release's label,
// from memory. It fails when the kind of a key is not watched or its first list is not complete:
// an object missing from the answer is missing in the cluster (or was never applied by Fairlead).
func (s *Store) Observe(label string, keys []model.ObjectKey) (map[model.ObjectKey]model.Live, error) {
	panic("coming")
}

// Applied tells the store what an apply returned, so that the store never lags behind our own
// writes and their echo is not taken for drift.
func (s *Store) Applied(label string, r model.Result) { panic("coming") }

// Expect tells the store what a release's record says, so that drift from it is recognized.
func (s *Store) Expect(label string, inv model.Inventory) { panic("coming") }

// Hold keeps drift events of a release back while a run writes to it; the function it returns ends
// that, and sends what is still drift then.
func (s *Store) Hold(label string) (done func()) { panic("coming") }

// Changed returns a channel that is closed at the next change of any object of the release. Take it
// before observing, so that no change is missed.
func (s *Store) Changed(label string) <-chan struct{} { panic("coming") }

// EventType is what happened to an object.
type EventType string

// The types.
const (
	Added    EventType = "added"
	Modified EventType = "modified"
	Deleted  EventType = "deleted"
)

// Event is a change of one object.
type Event struct {
	Type    EventType
	Release string // label value; empty for Secrets and ConfigMaps that no release applied
	Key     model.ObjectKey
	Live    model.Live
	Drift   bool // the object differs from what the release applied last, or is gone
}

// Subscribe calls fn for every change after the first complete list of its kind, in order for each
// kind. fn must return at once: it is called from the watch.
func (s *Store) Subscribe(fn func(Event)) { panic("coming") }

// Stored is a Helm release Secret as its metadata tells it.
type Stored struct {
	Namespace, Name string // of the Secret
	UID             string
	Release         string // Helm's release name: label "name"
	Version         int    // label "version"
	Status          string // label "status"
	Inputs          string // label model.LabelInputs
	Owner           string // annotation model.AnnotationOwner
	Inventory       string // annotation model.AnnotationInventory, encoded
	ResourceVersion string
}

// Records are the Helm release Secrets of one release, oldest revision first, from memory. It fails
// while Secrets are not watched or their first list is not complete.
func (s *Store) Records(namespace, release string) ([]Stored, error) { panic("coming") }

// AllRecords are all Helm release Secrets in the cluster, in no order.
func (s *Store) AllRecords() ([]Stored, error) { panic("coming") }
