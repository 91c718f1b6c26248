package deploy

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// keeper is an object by which another tool keeps objects as it says.
type keeper struct {
	tool string // for people
	key  model.ObjectKey
}

// Marks that Flux's and Argo CD's controllers leave on the objects that they keep
// (fluxcd.io/flux/components/helm, "Origin labels"; fluxcd.io/flux/components/kustomize;
// argo-cd.readthedocs.io, "Resource Tracking").
const (
	fluxHelm      = "helm.toolkit.fluxcd.io"
	fluxKustomize = "kustomize.toolkit.fluxcd.io"
	argoTracking  = "argocd.argoproj.io/tracking-id"
	argoHome      = "argocd" // where Argo CD's Applications are unless it is told otherwise
)

// fluxKinds are what marks of Flux name, in the order they are looked at: an object can have both.
var fluxKinds = []schema.GroupKind{{Group: fluxHelm, Kind: "HelmRelease"}, {Group: fluxKustomize, Kind: "Kustomization"}}

// keptBy is what an object's marks say; false for none. Marks outlive those who made them.
func keptBy(m *metav1.ObjectMeta) (keeper, bool) {
	for _, k := range fluxKinds {
		if name := m.Labels[k.Group+"/name"]; name != "" {
			return keeper{"Flux", model.ObjectKey{Group: k.Group, Kind: k.Kind, Namespace: m.Labels[k.Group+"/namespace"], Name: name}}, true
		}
	}
	id, _, ok := strings.Cut(m.Annotations[argoTracking], ":")
	if !ok || id == "" {
		return keeper{}, false
	}
	namespace, name := argoHome, id
	if ns, app, elsewhere := strings.Cut(id, "_"); elsewhere {
		namespace, name = ns, app
	}
	return keeper{"Argo CD", model.ObjectKey{Group: "argoproj.io", Kind: "Application", Namespace: namespace, Name: name}}, true
}

// kept is an error of kind Conflict where the tool that an object is marked by still asks for it: it
// would undo at once what is done from here. Each tool is asked about once a run; nil is nobody.
func (j *job) kept(ctx context.Context, m *metav1.ObjectMeta) error {
	k, marked := keptBy(m)
	if !marked {
		return nil
	}
	if why, known := j.keepers[k]; known {
		return why
	}
	gvk := schema.GroupVersionKind{Group: k.key.Group, Kind: k.key.Kind}
	_, err := j.d.Cluster.GetMeta(ctx, gvk, k.key.Namespace, k.key.Name)
	var why error
	switch {
	case err == nil:
		why = &model.Error{
			Kind: model.ErrConflict, Reason: "Owned", Msg: fmt.Sprintf("%s keeps it: %s/%s in namespace %s", k.tool, k.key.Kind, k.key.Name, k.key.Namespace),
			Next: fmt.Sprintf("change it there; to deploy it from here instead, take it from %s first: delete %s/%s so that what it made stays (suspended, or without its finalizer)", k.tool, k.key.Kind, k.key.Name),
		}
	case model.KindOf(err) == model.ErrNotFound, model.ReasonOf(err, "") == kube.ReasonUnknownKind:
	case model.KindOf(err) == model.ErrDenied:
		// Nobody would grant a deployer that for the sake of this; who may look is asked to.
		if j.d.Say != nil {
			j.d.Say("warning: its marks say that %s keeps it by %s/%s in namespace %s, which may not be read from here: if that exists, it will undo this", k.tool, k.key.Kind, k.key.Name, k.key.Namespace)
		}
	default:
		return fmt.Errorf("looking whether %s keeps it: %w", k.tool, err)
	}
	if j.keepers == nil {
		j.keepers = map[keeper]error{}
	}
	j.keepers[k] = why
	return why
}

// keptRelease looks whose a release is that helm made, as far as anybody but its history knows: by the
// first of its objects that is there.
func (j *job) keptRelease(ctx context.Context, p model.Plan) error {
	if last := newest(j.history); last == nil || last.Owner != "" {
		return nil
	}
	for _, c := range p.Changes() {
		m, err := j.meta(ctx, c)
		if err != nil {
			return err
		}
		if m != nil {
			return j.kept(ctx, m)
		}
	}
	return nil
}
