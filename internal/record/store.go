package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// DefaultHistory is how many revisions of a release are kept where the release does not say.
const DefaultHistory = 10

// Store reads and writes the records of releases: Secrets of type helm.sh/release.v1, as Helm's
// "secrets" storage driver keeps them. It holds no state; methods may be called side by side.
type Store struct {
	api rest.Interface
	now func() time.Time
}

// NewStore gives a store that works through a client of the core/v1 API, such as
// clientset.CoreV1().RESTClient(). now is the clock that stamps records.
func NewStore(core rest.Interface, now func() time.Time) *Store {
	return &Store{api: core, now: now}
}

// Entry is one revision to be written: everything Helm's storage keeps of it.
type Entry struct {
	Release model.Release
	// Record says what was observed. Its Revision, when 0, becomes one more than the highest
	// known; its Time, when zero, now. What Helm's format has no place for is kept beside it, so
	// that a restart finds it without reading the bulk.
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
	Notes           string
	RollbackOf      int
	Chart           model.ChartInfo // Stored, Config, Manifest and HookManifests as they were written
	ApplyMethod     string          // Helm's: "csa", "ssa" or empty
}

// History lists the revisions of a release, oldest first. It is one request that carries
// metadata alone. A release without any is an empty list and no error; an error is never an
// empty list.
func (s *Store) History(ctx context.Context, namespace, name string) ([]model.Record, error) {
	if err := checkName(namespace, name); err != nil {
		return nil, err
	}
	body, err := raw(s.records(namespace, name).
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").Do(ctx))
	if err != nil {
		return nil, failure("listing the records of", namespace, name, err)
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("reading the records of %s/%s: %w", namespace, name, err)
	}
	var known []model.Record
	for i := range list.Items {
		if _, rec, ok := FromSecretMetadata(&list.Items[i]); ok {
			known = append(known, rec)
		}
	}
	slices.SortFunc(known, byRevision)
	return known, nil
}

// Details is History with what only the bulk says: the chart and the description of revisions that
// another tool wrote. It reads every record of the release whole; it is for people who ask.
func (s *Store) Details(ctx context.Context, namespace, name string) ([]model.Record, error) {
	if err := checkName(namespace, name); err != nil {
		return nil, err
	}
	body, err := raw(s.records(namespace, name).SetHeader("Accept", "application/json").Do(ctx))
	if err != nil {
		return nil, failure("listing the records of", namespace, name, err)
	}
	var list corev1.SecretList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("reading the records of %s/%s: %w", namespace, name, err)
	}
	var known []model.Record
	for i := range list.Items {
		if list.Items[i].Type != secretType {
			continue
		}
		full, err := decode(&list.Items[i])
		if err != nil {
			return nil, err
		}
		known = append(known, full.Record)
	}
	slices.SortFunc(known, byRevision)
	return known, nil
}

// Last is the newest revision of a release, whatever its status; found is false when there is none.
func (s *Store) Last(ctx context.Context, namespace, name string) (rec model.Record, found bool, err error) {
	known, err := s.History(ctx, namespace, name)
	if err != nil || len(known) == 0 {
		return model.Record{}, false, err
	}
	return known[len(known)-1], true, nil
}

// Exists reports whether a revision is recorded. It asks for that one Secret: a list would wait until
// the API server's cache has caught up with etcd, which takes it up to 100 ms while nothing else
// happens to Secrets.
func (s *Store) Exists(ctx context.Context, namespace, name string, revision int) (bool, error) {
	_, err := s.get(ctx, namespace, name, revision)
	if model.KindOf(err) == model.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// Load reads one revision with its bulk; revision 0 is the newest. The error is a *model.Error
// of kind NotFound when there is no such revision.
func (s *Store) Load(ctx context.Context, namespace, name string, revision int) (Full, error) {
	if revision == 0 {
		last, found, err := s.Last(ctx, namespace, name)
		if err != nil {
			return Full{}, err
		}
		if !found {
			return Full{}, notFound(namespace, name, 0)
		}
		revision = last.Revision
	}
	secret, err := s.get(ctx, namespace, name, revision)
	if err != nil {
		return Full{}, err
	}
	return decode(secret)
}

// Owned is what a release owned at a revision, as Full.Objects says.
func (s *Store) Owned(ctx context.Context, namespace, name string, revision int) (model.Inventory, error) {
	full, err := s.Load(ctx, namespace, name, revision)
	if err != nil {
		return nil, err
	}
	return full.Objects()
}

// Delete removes every record of a release, as helm uninstall without --keep-history does: in one
// request, or one by one where that right is missing.
func (s *Store) Delete(ctx context.Context, namespace, name string) error {
	if err := checkName(namespace, name); err != nil {
		return err
	}
	err := selecting(s.secrets(s.api.Delete(), namespace), name).Do(ctx).Error()
	if apierrors.IsForbidden(err) {
		return s.deleteEach(ctx, namespace, name)
	}
	if err != nil {
		return failure("deleting the records of", namespace, name, err)
	}
	return nil
}

// deleteEach deletes records one by one, the newest last: as long as one is left, the release is there.
func (s *Store) deleteEach(ctx context.Context, namespace, name string) error {
	known, err := s.History(ctx, namespace, name)
	if err != nil {
		return err
	}
	for _, rec := range known {
		err := s.secrets(s.api.Delete(), namespace, secretName(name, rec.Revision)).Do(ctx).Error()
		if err != nil && !apierrors.IsNotFound(err) {
			return failure(fmt.Sprintf("deleting revision %d of", rec.Revision), namespace, name, err)
		}
	}
	return nil
}

func (s *Store) get(ctx context.Context, namespace, name string, revision int) (*corev1.Secret, error) {
	if err := checkName(namespace, name); err != nil {
		return nil, err
	}
	body, err := raw(s.secrets(s.api.Get(), namespace, secretName(name, revision)).
		SetHeader("Accept", "application/json").Do(ctx))
	if err != nil {
		return nil, failure(fmt.Sprintf("reading revision %d of", revision), namespace, name, err)
	}
	var secret corev1.Secret
	if err := json.Unmarshal(body, &secret); err != nil {
		return nil, fmt.Errorf("reading revision %d of %s/%s: %w", revision, namespace, name, err)
	}
	return &secret, nil
}

// raw is an answer's body. Result.Raw alone would give a refusal without the server's reasons.
func raw(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}

// records asks for all records of one release.
func (s *Store) records(namespace, name string) *rest.Request {
	return selecting(s.secrets(s.api.Get(), namespace), name)
}

// selecting narrows a request to the records of one release. The type keeps it from Secrets that
// merely bear the same labels.
func selecting(r *rest.Request, name string) *rest.Request {
	return r.Param("labelSelector", "owner=helm,name="+name).Param("fieldSelector", "type="+secretType)
}

func (s *Store) secrets(r *rest.Request, namespace string, more ...string) *rest.Request {
	return r.AbsPath(append([]string{"/api/v1/namespaces", namespace, "secrets"}, more...)...)
}

// secretName is the name Helm's storage gives to a revision:
// https://github.com/helm/helm/blob/v4.3.1/pkg/storage/storage.go (makeKey).
func secretName(name string, revision int) string {
	return "sh.helm.release.v1." + name + ".v" + strconv.Itoa(revision)
}

// Helm's own rule for release names: https://helm.sh/docs/topics/charts/ and
// pkg/chart/v2/util/validate_name.go. Longer names do not fit in the labels charts make of them.
var validName = pattern.New(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

const maxNameLength = 53

// checkName also keeps what becomes part of a URL from leading to another place than it seems.
func checkName(namespace, name string) error {
	if wrong := validation.IsDNS1123Label(namespace); len(wrong) > 0 {
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidNamespace",
			Msg: fmt.Sprintf("release %q cannot be recorded in namespace %q: %s", name, namespace, wrong[0]),
		}
	}
	if len(name) > maxNameLength || !validName.MatchString(name) {
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidReleaseName",
			Msg:  fmt.Sprintf("%q is no name Helm allows for a release: lower case letters, digits, - and ., at most %d characters", name, maxNameLength),
			Next: "set a shorter releaseName",
		}
	}
	return nil
}

func byRevision(a, b model.Record) int { return a.Revision - b.Revision }
