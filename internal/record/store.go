package record

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// DefaultHistory is how many revisions of a release are kept where the release does not say.
const DefaultHistory = 10

// Store reads and writes the records of releases: Secrets of type helm.sh/release.v1, as Helm's
// "secrets" storage driver keeps them. It holds no state; methods may be called side by side.
type Store struct {
	core rest.Interface
	now  func() time.Time
}

// NewStore gives a store that works through a client of the core/v1 API, such as
// clientset.CoreV1().RESTClient(). now is the clock that stamps records.
func NewStore(core rest.Interface, now func() time.Time) *Store {
	return &Store{core: core, now: now}
}

// Entry is one revision to be written: everything Helm's storage keeps of it.
type Entry struct {
	Release model.Release
	// Record says what was observed. Its Revision, when 0, becomes one more than the highest
	// known; its Time, when zero, now. Inputs, Source and Inventory are kept beside Helm's own
	// data, so that a restart finds them without reading the bulk.
	Record model.Record
	// Chart is what was rendered. Nil, for plain manifests, is recorded as a chart without
	// templates that bears the release's name, so that Helm's commands have something to print.
	Chart *model.ChartInfo
	// Manifest is used where Chart is nil: the objects as a stream of YAML documents.
	Manifest string
	Notes    string
	// RollbackOf is the revision that was gone back to, 0 for none.
	RollbackOf int
}

// Full is one revision with its bulk.
type Full struct {
	model.Record
	Name, Namespace string
	FirstDeployed   time.Time
	Notes           string
	RollbackOf      int
	Chart           model.ChartInfo // Stored, Config, Manifest and HookManifests as they were written
	ApplyMethod     string          // Helm's: "csa", "ssa" or empty
}

// History lists the revisions of a release, oldest first. It is one request that carries
// metadata alone. A release without any is an empty list and no error; an error is never an
// empty list.
func (s *Store) History(ctx context.Context, namespace, name string) ([]model.Record, error) {
	panic("not yet")
}

// Last is the newest revision of a release, whatever its status; found is false when there is none.
func (s *Store) Last(ctx context.Context, namespace, name string) (rec model.Record, found bool, err error) {
	panic("not yet")
}

// Load reads one revision with its bulk; revision 0 is the newest. The error is a *model.Error
// of kind NotFound when there is no such revision.
func (s *Store) Load(ctx context.Context, namespace, name string, revision int) (Full, error) {
	panic("not yet")
}

// Write records a revision: it creates the new record, then marks those it replaces as
// superseded, then deletes what is older than the history allows. known is the release's history
// as History or FromSecretMetadata gave it; nil is a release without any.
//
// An install costs one request. An upgrade costs three (the old record is read, the new one
// created, the old one written back), plus one for each record that falls out of the history.
// The record is true from the create on: when that succeeded and the rest did not, Write returns
// the record and an error, and the next Write, or Settle, does what was left.
//
// A revision that exists already is an error of kind Conflict: known was out of date.
func (s *Store) Write(ctx context.Context, e Entry, known []model.Record) (model.Record, error) {
	panic("not yet")
}

// Settle finishes what a crash between the requests of a Write left: of several deployed records
// all but the newest become superseded. It costs nothing when there is nothing to do.
func (s *Store) Settle(ctx context.Context, namespace, name string, known []model.Record) error {
	panic("not yet")
}

// SetStatus changes the status and description of a revision, inside Helm's data and on its
// labels: a failed revision that became healthy later is deployed.
func (s *Store) SetStatus(ctx context.Context, namespace, name string, revision int, status model.RecordStatus, description string) error {
	panic("not yet")
}

// Delete removes every record of a release, as helm uninstall without --keep-history does.
func (s *Store) Delete(ctx context.Context, namespace, name string) error {
	panic("not yet")
}

// FromSecretMetadata builds a record from the labels and annotations of a release Secret alone,
// so that a watch of metadata is all a controller needs. ok is false when the object is no
// release record. A record another tool wrote has neither Owner, Inputs nor Inventory.
func FromSecretMetadata(meta metav1.Object) (name string, rec model.Record, ok bool) {
	panic("not yet")
}

// Objects are the objects in a record's manifest, without digests: what a release owns when its
// last record is another tool's. Namespaces are as written in the manifest, empty where it says
// none.
func (f *Full) Objects() (model.Inventory, error) {
	panic("not yet")
}

