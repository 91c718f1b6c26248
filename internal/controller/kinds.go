package controller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	hr "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

var (
	helmReleaseGVK = hr.GroupVersion.WithKind("HelmRelease")
	applicationGVK = argo.GroupVersion.WithKind("Application")
)

// RequestKinds are the kinds of objects that ask for releases.
var RequestKinds = []schema.GroupVersionKind{helmReleaseGVK, applicationGVK}

// helmReleaseKind reads HelmReleases and writes their status.
type helmReleaseKind struct{ r *Reconciler }

func (k helmReleaseKind) Read(ctx context.Context, id model.ReleaseID) (ask, bool) {
	req, found := k.r.helmReleases.Get(id)
	if !found || req.Object.DeletionTimestamp != nil {
		return ask{}, false
	}
	a := ask{Unsupported: req.Unsupported, Err: req.Invalid}
	if a.Err == nil {
		k.r.named.Begin(id)
		a.Release, a.Err = k.r.helmRelease(ctx, id, req.Object)
	} else {
		at := placeOf(req.Object)
		a.Release = model.Release{ID: id, Name: at.name, Namespace: at.namespace, Generation: req.Object.Generation}
	}
	a.Sync, a.SyncToken = asked(req.Object.Annotations, req.Object.Status.LastHandledSync)
	a.holdFrom(req.Object.Annotations)
	var err error
	if a.History, err = k.r.helmHistory(ctx, a.Release); err == nil {
		err = claimed(id, a.History)
	}
	if err != nil && a.Err == nil {
		a.Err = err
	}
	return a, true
}

// claimed refuses a Helm release that another HelmRelease has, or has not cleared away yet: two that
// write one history would undo each other for ever.
func claimed(id model.ReleaseID, history []model.Record) error {
	text := ""
	for _, rec := range history {
		text = cmp.Or(rec.Owner, text)
	}
	owner, err := model.ParseReleaseID(text)
	if err != nil || owner == id || owner.Kind != model.KindHelmRelease {
		return nil
	}
	return &model.Error{
		Kind: model.ErrConflict, Reason: reasonClaimed, Msg: "its Helm release belongs to " + text,
		Next: "give one of the two another spec.releaseName or targetNamespace, or wait until the other is removed",
	}
}

const reasonClaimed = "ReleaseClaimed"

// asked reads the annotations with which people ask for a run. handled is what was asked last
// time.
func asked(annotations map[string]string, handled string) (Sync, string) {
	sync, resume := annotations[model.AnnotationSync], annotations[model.AnnotationResume]
	token := sync + "/" + resume
	if token == "/" || token == handled {
		return Sync{}, handled
	}
	return Sync{Requested: true, Resume: resume != "" && !strings.HasSuffix(handled, "/"+resume)}, token
}

// holdFrom reads the hold into an ask. A request that is wrong otherwise can be held all the same.
func (a *ask) holdFrom(annotations map[string]string) {
	var err error
	if a.Release.Hold, err = hold(annotations); err != nil && a.Err == nil {
		a.Err = err
	}
}

// hold reads the annotation that keeps a release at a revision.
func hold(annotations map[string]string) (*model.Hold, error) {
	text := annotations[model.AnnotationHold]
	if text == "" {
		return nil, nil
	}
	var h model.Hold
	if err := json.Unmarshal([]byte(text), &h); err != nil || h.Revision < 1 {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidHold", Msg: fmt.Sprintf("annotation %s is not a hold", model.AnnotationHold), Err: err,
			Next: "remove it, or set it with: fairlead rollback",
		}
	}
	return &h, nil
}

func (k helmReleaseKind) Write(ctx context.Context, id model.ReleaseID, rep Report) error {
	return upToDate(ctx, k.r.helmReleases, id, func() error { return k.write(ctx, id, rep) })
}

func (k helmReleaseKind) write(ctx context.Context, id model.ReleaseID, rep Report) error {
	req, found := k.r.helmReleases.Get(id)
	if !found {
		return nil
	}
	next := *req.Object
	next.Status = record.HelmReleaseStatus(req.Object.Status, k.r.observed(rep))
	if !rep.Running {
		next.Status.LastHandledSync = rep.Ask.SyncToken
	}
	if equality.Semantic.DeepEqual(next.Status, req.Object.Status) {
		return nil
	}
	patch, err := mergePatch(map[string]any{"status": req.Object.Status}, map[string]any{"status": next.Status})
	if err != nil {
		return err
	}
	if err := k.r.patch(ctx, helmReleaseGVK, id, "status", patch, &next.ObjectMeta); err != nil {
		return err
	}
	k.r.helmReleases.Put(&next)
	return nil
}

// Gone uninstalls what a HelmRelease installed, as the Helm Operator did, provided that it was
// deleted by itself: a definition that goes takes all its objects along, and nobody who deletes it
// means to delete the applications.
func (k helmReleaseKind) Gone(ctx context.Context, id model.ReleaseID) ([]departed, error) {
	all, err := k.r.recordedFor(id)
	if err == nil && len(all) == 0 {
		all, err = k.r.unrecorded(ctx, id)
	}
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if gone, err := k.r.reallyGone(ctx, helmReleaseGVK, "helmreleases", id); !gone {
		return nil, err
	}
	return all, nil
}

// applicationKind reads Applications and writes their status.
type applicationKind struct{ r *Reconciler }

func (k applicationKind) Read(ctx context.Context, id model.ReleaseID) (ask, bool) {
	req, found := k.r.applications.Get(id)
	if !found {
		return ask{}, false
	}
	app := req.Object
	a := ask{Unsupported: req.Unsupported, Err: req.Invalid}
	if a.Err == nil {
		k.r.named.Begin(id)
		a.Release, a.Err = k.r.application(ctx, id, app)
	} else {
		a.Release = model.Release{ID: id, Name: app.Name, Generation: app.Generation}
	}
	a.Sync, a.SyncToken = asked(app.Annotations, app.Annotations[annotationHandled])
	a.Refresh, a.operation = app.Annotations[annotationRefresh], app.Operation
	if app.Operation != nil && app.Operation.Sync != nil {
		a.Sync.Requested, a.By = true, app.Operation.InitiatedBy.Username
	}
	a.holdFrom(app.Annotations)
	if a.History, a.historyErr = applicationHistory(app); a.historyErr != nil && a.Err == nil {
		a.Err = a.historyErr
	}
	a.History = k.r.known(a.Release, a.History)
	a.deleting = app.DeletionTimestamp != nil
	return a, true
}

// annotationHandled is, on an Application, what sync was asked for last.
const annotationHandled = "fairlead.dev/handled"

func (k applicationKind) Write(ctx context.Context, id model.ReleaseID, rep Report) error {
	return upToDate(ctx, k.r.applications, id, func() error { return k.write(ctx, id, rep) })
}

func (k applicationKind) write(ctx context.Context, id model.ReleaseID, rep Report) error {
	req, found := k.r.applications.Get(id)
	if !found {
		return nil
	}
	old := req.Object
	next := *old
	next.Status = record.ApplicationStatus(old.Status, old.Spec, k.r.observed(rep))
	next.Annotations = map[string]string{}
	for key, v := range old.Annotations {
		next.Annotations[key] = v
	}
	if !rep.Running {
		// What was asked for since the request was read is left for the next turn.
		if next.Annotations[annotationRefresh] == rep.Ask.Refresh {
			delete(next.Annotations, annotationRefresh)
		}
		if rep.Ask.SyncToken != "" {
			next.Annotations[annotationHandled] = rep.Ask.SyncToken
		}
		if equality.Semantic.DeepEqual(old.Operation, rep.Ask.operation) {
			next.Operation = nil
		}
	}
	if err := keepRecord(next.Annotations, rep.Last); err != nil {
		return err
	}
	if maps.Equal(old.Annotations, next.Annotations) && equality.Semantic.DeepEqual(old.Operation, next.Operation) &&
		equality.Semantic.DeepEqual(old.Status, next.Status) {
		return nil
	}
	before := map[string]any{"metadata": map[string]any{"annotations": old.Annotations}, "status": old.Status, "operation": old.Operation}
	after := map[string]any{"metadata": map[string]any{"annotations": next.Annotations}, "status": next.Status, "operation": next.Operation}
	patch, err := mergePatch(before, after)
	if err != nil || string(patch) == "{}" { // times that differ by less than is written
		return err
	}
	if err := k.r.patch(ctx, applicationGVK, id, "", patch, &next.ObjectMeta); err != nil {
		return err
	}
	k.r.applications.Put(&next)
	return nil
}

// keepRecord writes the newest record into an Application's annotations.
func keepRecord(annotations map[string]string, rec *model.Record) error {
	if rec == nil {
		return nil
	}
	short := *rec
	short.Inventory = nil
	text, err := json.Marshal(short)
	if err != nil {
		return fmt.Errorf("writing a record: %w", err)
	}
	inventory, err := record.EncodeInventory(rec.Inventory)
	if err != nil {
		return fmt.Errorf("writing an inventory: %w", err)
	}
	annotations[model.AnnotationNote], annotations[model.AnnotationInventory] = string(text), inventory
	return nil
}

// Gone leaves what an Application deployed, as Argo CD does, unless it has Argo CD's finalizer:
// then it is still there while it is removed, and its turn removes it.
func (k applicationKind) Gone(context.Context, model.ReleaseID) ([]departed, error) {
	return nil, nil
}

// mergePatch is the RFC 7396 patch that makes after of before.
func mergePatch(before, after any) ([]byte, error) {
	a, err := json.Marshal(before)
	if err != nil {
		return nil, fmt.Errorf("writing a status: %w", err)
	}
	b, err := json.Marshal(after)
	if err != nil {
		return nil, fmt.Errorf("writing a status: %w", err)
	}
	patch, err := jsonpatch.CreateMergePatch(a, b)
	if err != nil {
		return nil, fmt.Errorf("writing a status: %w", err)
	}
	return patch, nil
}

// patch sends a merge patch to the version of a request that meta is of, and takes over the version
// it results in. The error is a conflict when the request has changed since: what the answer is of
// would not be what was read, and the store would take it for newer than the change. A request that
// is gone needs no status.
func (r *Reconciler) patch(ctx context.Context, gvk schema.GroupVersionKind, id model.ReleaseID, sub string, patch []byte, meta *metav1.ObjectMeta) error {
	patch, err := onVersion(patch, meta.ResourceVersion)
	if err != nil {
		return err
	}
	got, err := r.kube.Patch(ctx, gvk, id.Namespace, id.Name, sub, types.MergePatchType, patch, model.FieldManager)
	if model.KindOf(err) == model.ErrNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status of %s: %w", id, err)
	}
	meta.ResourceVersion, meta.Generation = got.ResourceVersion, got.Generation
	return nil
}

// onVersion makes a merge patch one that is refused where the object is of another version.
func onVersion(patch []byte, version string) ([]byte, error) {
	var p map[string]any
	if err := json.Unmarshal(patch, &p); err != nil {
		return nil, fmt.Errorf("writing a status: %w", err)
	}
	m, _ := p["metadata"].(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m["resourceVersion"] = version
	p["metadata"] = m
	return json.Marshal(p)
}

// reallyGone asks the API server whether an object that the watch says is gone does not exist, and
// whether its kind still does. An error is no answer.
func (r *Reconciler) reallyGone(ctx context.Context, gvk schema.GroupVersionKind, plural string, id model.ReleaseID) (bool, error) {
	crd := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	meta, err := r.kube.GetMeta(ctx, crd, "", plural+"."+gvk.Group)
	if model.KindOf(err) == model.ErrNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for the definition of %s: %w", gvk.Kind, err)
	}
	if meta.DeletionTimestamp != nil {
		return false, nil
	}
	_, err = r.kube.GetMeta(ctx, gvk, id.Namespace, id.Name)
	switch {
	case model.KindOf(err) == model.ErrNotFound:
		return true, nil
	case err != nil:
		return false, fmt.Errorf("looking for %s: %w", id, err)
	}
	return false, nil
}
