package releases

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// Deployed is the status of a release that no controller looks after, as its record tells it: it was
// what it should be when it was deployed. How its objects do now, only they tell: see Look.
const Deployed Status = "Deployed"

// Direct reports whether nothing in the cluster asks for the release: fairlead deploy, fairlead apply
// or helm made it, and it is changed by them.
func (v *View) Direct() bool { return v.Kind == model.KindHelm || v.Kind == model.KindManifests }

// InHelmStorage reports whether the release's history is in Helm's storage.
func (v *View) InHelmStorage() bool { return v.Direct() || v.Kind == model.KindHelmRelease }

// Look settles how a release does that only its objects can tell of.
func (v *View) Look(healthy bool) {
	if v.Status != Deployed {
		return
	}
	v.Healthy, v.Status = healthy, Degraded
	if healthy {
		v.Status = Healthy
	}
}

// stored is the newest record of a release in Helm's storage.
type stored struct {
	record model.Record
	owner  string // who asked for it last; empty when only helm did
}

// storedReleases reads the metadata of Helm's release Secrets, never the Secrets. The newest revision
// of each release is one that is not superseded. An empty namespace is all of them.
func storedReleases(ctx context.Context, m metadata.Interface, namespace, name string) (map[helmName]stored, error) {
	selector := "owner=helm,status notin (superseded)"
	if name != "" {
		selector = "owner=helm,name=" + name
	}
	all := map[helmName]stored{}
	opts := metav1.ListOptions{LabelSelector: selector, Limit: pageSize}
	for {
		list, err := m.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace).List(ctx, opts)
		if err != nil {
			return nil, fmt.Errorf("listing the labels of Helm's release Secrets: %w", err)
		}
		owners := map[helmName]int{}
		for i := range list.Items {
			release, rec, ok := record.FromSecretMetadata(&list.Items[i])
			if !ok {
				continue
			}
			key := helmName{list.Items[i].Namespace, release}
			s := all[key]
			if rec.Revision > s.record.Revision {
				s.record = rec
			}
			if rec.Owner != "" && rec.Revision > owners[key] {
				s.owner, owners[key] = rec.Owner, rec.Revision
			}
			all[key] = s
		}
		if opts.Continue = list.GetContinue(); opts.Continue == "" {
			return all, nil
		}
	}
}

// direct are the views of releases in Helm's storage that none of the requests asks for.
func (f *facts) direct(asked []View) []View {
	known := make(map[helmName]bool, len(asked))
	for _, v := range asked {
		known[helmName{v.TargetNamespace, v.Release}] = true
	}
	var views []View
	for key, s := range f.stored {
		if v, ok := viewStored(key, s); ok && !known[key] {
			views = append(views, v)
		}
	}
	return views
}

// viewStored is the view of a release that is deployed directly; ok is false for one that a request
// in the cluster asks for, or that is uninstalled.
func viewStored(key helmName, s stored) (v View, ok bool) {
	rec := s.record
	kind := model.KindHelm
	if id, err := model.ParseReleaseID(s.owner); err == nil {
		kind = id.Kind
	}
	v = View{
		Kind: kind, Namespace: key.namespace, Name: key.name, Release: key.name, TargetNamespace: key.namespace,
		Revision: rec.Revision, Version: rec.Chart, Commit: rec.Source.Commit, CreatedAt: rec.Time.UTC(), ObservedAt: rec.Time.UTC(),
		Object: types.NamespacedName{Namespace: key.namespace, Name: key.name}, Status: Unknown,
	}
	if kind == model.KindManifests {
		v.Version = ""
	}
	switch {
	case rec.Status.Pending():
		v.Status, v.Message = Progressing, fmt.Sprintf("%s by helm", rec.Status)
	case rec.Status == model.RecordDeployed:
		v.Status = Deployed
	case rec.Status == model.RecordFailed:
		v.Status, v.Message = Failed, rec.Description
	}
	return v, v.Direct() && rec.Status != model.RecordUninstalled
}

// findStored looks for a release by the namespace and name it has in Helm's storage alone, which takes
// no right beyond that namespace. found is false for one that a request asks for; foreign marks one
// that only helm made, of which a request may know.
func (r *Reader) findStored(ctx context.Context, n Name) (v View, found, foreign bool) {
	namespace := n.namespace
	if n.kindOrNamespace != "" {
		if _, isKind := kindNamed(n.kindOrNamespace); !isKind {
			namespace = n.kindOrNamespace
		}
	}
	if namespace == "" || n.kind != "" && n.kind != model.KindHelm && n.kind != model.KindManifests {
		return v, false, false
	}
	all, err := storedReleases(ctx, r.Metadata, namespace, n.name)
	if err != nil {
		return v, false, false // whoever looks next tells why
	}
	key := helmName{namespace, n.name}
	s, ok := all[key]
	if !ok {
		return v, false, false
	}
	v, ok = viewStored(key, s)
	f := facts{}
	f.complete(&v, r.Now())
	v.age(r.Now())
	return v, ok, s.owner == ""
}

// storedIn reads what Helm's storage has, in one namespace where all may not be read.
func (r *Reader) storedIn(ctx context.Context) (map[helmName]stored, error) {
	all, err := storedReleases(ctx, r.Metadata, "", "")
	if err != nil && r.Namespace != "" && apierrors.IsForbidden(err) {
		if in, inOne := storedReleases(ctx, r.Metadata, r.Namespace, ""); inOne == nil {
			return in, nil
		}
	}
	return all, err
}
