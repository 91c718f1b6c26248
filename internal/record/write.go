package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Write records a revision: it creates the new record, then retires what it takes the place of. A
// failed revision supersedes nothing, as in Helm, where it leaves the last deployed one what it is.
//
// The record is true from the create on: when that succeeded and the rest did not, Write returns
// the record and an error, and the next Write, or Settle, does what was left. When the create
// failed the record returned has no revision.
func (s *Store) Write(ctx context.Context, e Entry, known []model.Record) (model.Record, error) {
	rec, err := s.Create(ctx, e, known)
	if err != nil {
		return rec, err
	}
	return rec, s.Retire(ctx, e.Release, rec, known)
}

// Create writes a new record, in one request, and leaves those before it as they are: Helm takes the
// newest of several deployed ones. known is the release's history as History or FromSecretMetadata
// gave it; nil is a release without any. Where only other tools wrote it the newest is read too.
//
// A revision that exists already is an error of kind Conflict: known was out of date.
func (s *Store) Create(ctx context.Context, e Entry, known []model.Record) (model.Record, error) {
	ns, name := e.Release.Namespace, e.Release.Name
	if err := checkName(ns, name); err != nil {
		return model.Record{}, err
	}
	known = slices.SortedFunc(slices.Values(known), byRevision)
	rec := e.Record
	if rec.Revision == 0 {
		rec.Revision = 1
		if n := len(known); n > 0 {
			rec.Revision = known[n-1].Revision + 1
		}
	}
	if rec.Time.IsZero() {
		rec.Time = s.now().UTC().Round(0)
	}
	if e.Chart != nil && rec.Chart == "" {
		rec.Chart, rec.AppVersion = e.Chart.Name+"-"+e.Chart.Version, e.Chart.AppVersion
	}
	var err error
	if rec.First, err = s.first(ctx, ns, name, rec.Time, known); err != nil {
		return model.Record{}, err
	}
	if err := s.create(ctx, &e, &rec); err != nil {
		return model.Record{}, err
	}
	return rec, nil
}

// Retire does what follows from a record that was created: of several deployed ones all but the newest
// become superseded, in two requests each, and those older than the history allows are deleted. What
// somebody else changed or made anew since it was known is left alone.
func (s *Store) Retire(ctx context.Context, rel model.Release, rec model.Record, known []model.Record) error {
	known = slices.SortedFunc(slices.Values(known), byRevision)
	deployed := newestDeployed(append(slices.Clone(known), rec))
	var errs []error
	for _, old := range known {
		if old.Status.Pending() || old.Status == model.RecordDeployed && old.Revision < deployed {
			errs = append(errs, s.retire(ctx, rel, old, rec.Revision))
		}
	}
	return errors.Join(append(errs, s.prune(ctx, rel.Namespace, rel.Name, rec, known, rel.MaxHistory))...)
}

// Settle finishes what a crash between the requests of a Write left: of several deployed records
// all but the newest become superseded. It costs nothing when there is nothing to do.
func (s *Store) Settle(ctx context.Context, namespace, name string, known []model.Record) error {
	newest := newestDeployed(known)
	var errs []error
	for i := range known {
		if known[i].Status == model.RecordDeployed && known[i].Revision != newest {
			errs = append(errs, s.SetStatus(ctx, namespace, name, known[i].Revision, model.RecordSuperseded, ""))
		}
	}
	return errors.Join(errs...)
}

// SetStatus changes the status of a revision, inside Helm's data and on its labels, and its
// description where one is given: a failed revision that became healthy later is deployed. It
// costs two requests, and does not look at other revisions.
func (s *Store) SetStatus(ctx context.Context, namespace, name string, revision int, status model.RecordStatus, description string) error {
	return s.setStatusIf(ctx, namespace, name, revision, status, description, func(*corev1.Secret) bool { return true })
}

// setStatusIf changes the status of a revision where the record, as it is now, is the one that is meant.
func (s *Store) setStatusIf(ctx context.Context, namespace, name string, revision int, status model.RecordStatus, description string, meant func(*corev1.Secret) bool) error {
	for attempt := 0; ; attempt++ {
		secret, err := s.get(ctx, namespace, name, revision)
		if err != nil || !meant(secret) {
			return err
		}
		err = s.setStatus(ctx, secret, status, description)
		if model.KindOf(err) != model.ErrConflict || attempt == 2 {
			return err
		}
	}
}

// SetInventory changes what a revision is recorded to own, in one request: a repair may leave other
// marks on objects than the run before it did.
func (s *Store) SetInventory(ctx context.Context, namespace, name string, revision int, inv model.Inventory) error {
	inventory, err := EncodeInventory(inv)
	if err != nil {
		return err
	}
	annotation, apart := any(inventory), any(nil)
	if len(inventory) > maxAnnotation {
		annotation, apart = inventoryApart, []byte(inventory)
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{model.AnnotationInventory: annotation}},
		"data":     map[string]any{inventoryKey: apart},
	})
	if err != nil {
		return fmt.Errorf("changing the inventory of release %s/%s: %w", namespace, name, err)
	}
	if err := s.patch(ctx, namespace, secretName(name, revision), patch); err != nil {
		return failure("changing the inventory of", namespace, name, err)
	}
	return nil
}

// Leave notes on a revision that another tool made which inputs it left: those that were being rolled
// out when it was made, and have no record of their own.
func (s *Store) Leave(ctx context.Context, namespace, name string, revision int, inputs string) error {
	text, err := json.Marshal(note{Inputs: inputs})
	if err != nil {
		return fmt.Errorf("noting what revision %d of release %s/%s left: %w", revision, namespace, name, err)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{model.AnnotationNote: string(text)}}})
	if err != nil {
		return fmt.Errorf("noting what revision %d of release %s/%s left: %w", revision, namespace, name, err)
	}
	if err := s.patch(ctx, namespace, secretName(name, revision), patch); err != nil {
		return failure("noting what was left by a revision of", namespace, name, err)
	}
	return nil
}

// patch merges into a record's Secret, and asks for no more than its metadata back.
func (s *Store) patch(ctx context.Context, namespace, secret string, patch []byte) error {
	return s.secrets(s.api.Patch(types.MergePatchType), namespace, secret).
		Param("fieldManager", model.FieldManager).SetHeader("Accept", acceptMetadata).Body(patch).Do(ctx).Error()
}

// first finds when a release was first deployed.
func (s *Store) first(ctx context.Context, ns, name string, now time.Time, known []model.Record) (time.Time, error) {
	if len(known) == 0 {
		return now, nil
	}
	for _, k := range slices.Backward(known) {
		if !k.First.IsZero() {
			return k.First, nil
		}
	}
	secret, err := s.get(ctx, ns, name, known[len(known)-1].Revision)
	if err != nil && model.KindOf(err) != model.ErrNotFound {
		return now, err
	}
	// A record that cannot be read does not keep a new one from being written.
	if err == nil {
		if full, err := decode(secret); err == nil && !full.First.IsZero() {
			return full.First, nil
		}
	}
	return known[0].Time, nil
}

func (s *Store) create(ctx context.Context, e *Entry, rec *model.Record) error {
	data, err := encode(e, rec)
	if err != nil {
		return fmt.Errorf("recording revision %d of release %s/%s: %w", rec.Revision, e.Release.Namespace, e.Release.Name, err)
	}
	notes, err := annotations(rec)
	if err != nil {
		return err
	}
	if rec.Inventory == nil {
		rec.Inventory = model.Inventory{}
	}
	inventory, err := EncodeInventory(rec.Inventory)
	if err != nil {
		return err
	}
	notes[model.AnnotationInventory] = inventory
	if len(inventory) > maxAnnotation {
		notes[model.AnnotationInventory] = inventoryApart
		data[inventoryKey] = []byte(inventory)
	}
	labels := map[string]string{
		"name": e.Release.Name, "owner": "helm", "status": string(rec.Status),
		"version": strconv.Itoa(rec.Revision), "createdAt": strconv.FormatInt(rec.Time.Unix(), 10),
	}
	maps.Copy(labels, labelsOf(rec))
	secret := corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name: secretName(e.Release.Name, rec.Revision), Namespace: e.Release.Namespace, Annotations: notes, Labels: labels,
		},
		Type: secretType,
		Data: data,
	}
	body, err := json.Marshal(&secret)
	if err != nil {
		return fmt.Errorf("recording revision %d of release %s/%s: %w", rec.Revision, e.Release.Namespace, e.Release.Name, err)
	}
	err = s.secrets(s.api.Post(), e.Release.Namespace).Param("fieldManager", model.FieldManager).
		SetHeader("Content-Type", "application/json").SetHeader("Accept", acceptMetadata).Body(body).Do(ctx).Error()
	if err != nil {
		return failure(fmt.Sprintf("recording revision %d of", rec.Revision), e.Release.Namespace, e.Release.Name, err)
	}
	return nil
}

// acceptMetadata spares the server sending back what was just sent to it.
const acceptMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

// retire marks a record that a new revision took the place of: a deployed one is superseded, one
// that another tool left pending has failed.
func (s *Store) retire(ctx context.Context, rel model.Release, old model.Record, by int) error {
	status, description := model.RecordSuperseded, ""
	if old.Status.Pending() {
		status = model.RecordFailed
		description = fmt.Sprintf("Left in state %s; revision %d took over", old.Status, by)
	}
	err := s.setStatusIf(ctx, rel.Namespace, rel.Name, old.Revision, status, description, func(secret *corev1.Secret) bool {
		_, is, ok := FromSecretMetadata(secret)
		return ok && is.Status == old.Status && is.Time.Equal(old.Time)
	})
	if model.KindOf(err) == model.ErrNotFound {
		return nil
	}
	return err
}

// setStatus changes a record as it was read, unless someone else changed it since. A record that
// is superseded needs its inventory no longer.
func (s *Store) setStatus(ctx context.Context, secret *corev1.Secret, status model.RecordStatus, description string) error {
	data, err := restate(secret.Data[releaseKey], status, description)
	if err != nil {
		return fmt.Errorf("changing record %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	annotations := map[string]any{}
	content := map[string]any{releaseKey: data}
	if status == model.RecordSuperseded {
		annotations[model.AnnotationInventory] = nil
		content[inventoryKey] = nil
	}
	if n, ok := redescribed(secret, description); ok {
		annotations[model.AnnotationNote] = n
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{
			"resourceVersion": secret.ResourceVersion,
			"labels":          map[string]string{"status": string(status), "modifiedAt": strconv.FormatInt(s.now().Unix(), 10)},
			"annotations":     annotations,
		},
		"data": content,
	})
	if err != nil {
		return fmt.Errorf("changing record %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	if err := s.patch(ctx, secret.Namespace, secret.Name, patch); err != nil {
		return failure("changing the record of", secret.Namespace, secret.Labels["name"], err)
	}
	return nil
}

// redescribed is a record's note with another description; ok is false when it stays as it is.
func redescribed(secret *corev1.Secret, description string) (text string, ok bool) {
	var n note
	if description == "" || json.Unmarshal([]byte(secret.Annotations[model.AnnotationNote]), &n) != nil {
		return "", false
	}
	n.Description = shorten(description, maxDescription)
	out, err := json.Marshal(n)
	return string(out), err == nil
}

// prune deletes what is older than the history allows: never the new record, never the last
// deployed one.
func (s *Store) prune(ctx context.Context, ns, name string, rec model.Record, known []model.Record, limit int) error {
	var errs []error
	for _, revision := range outdated(rec, known, limit) {
		err := s.secrets(s.api.Delete(), ns, secretName(name, revision)).Do(ctx).Error()
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, failure(fmt.Sprintf("deleting revision %d of", revision), ns, name, err))
		}
	}
	return errors.Join(errs...)
}

// newestDeployed is 0 where none is.
func newestDeployed(records []model.Record) (revision int) {
	for i := range records {
		if records[i].Status == model.RecordDeployed {
			revision = max(revision, records[i].Revision)
		}
	}
	return revision
}

// outdated are the revisions that are not kept, oldest first, as Helm's storage chooses them.
func outdated(rec model.Record, known []model.Record, limit int) []int {
	if limit <= 0 {
		limit = DefaultHistory
	}
	deployed := newestDeployed(append(slices.Clone(known), rec))
	var out []int
	for _, k := range known {
		if len(known)+1-len(out) <= limit {
			break
		}
		if k.Revision != deployed && k.Revision != rec.Revision {
			out = append(out, k.Revision)
		}
	}
	return out
}
