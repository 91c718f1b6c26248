package deploy

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestKeptBy(t *testing.T) {
	for name, tt := range map[string]struct {
		labels, annotations map[string]string
		want                string
	}{
		"nobody":           {map[string]string{"app.kubernetes.io/instance": "shop"}, nil, ""},
		"Flux":             {map[string]string{"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux"}, nil, "Flux HelmRelease.helm.toolkit.fluxcd.io flux/shop"},
		"Flux's manifests": {map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}, nil, "Flux Kustomization.kustomize.toolkit.fluxcd.io flux/apps"},
		"both of Flux's": {map[string]string{
			"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux",
			"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux",
		}, nil, "Flux HelmRelease.helm.toolkit.fluxcd.io flux/shop"},
		"Argo CD": {nil, map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/shop"}, "Argo CD Application.argoproj.io argocd/shop"},
		"Argo CD, an Application elsewhere": {nil, map[string]string{"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:prod/shop"},
			"Argo CD Application.argoproj.io team/shop"},
		"no tracking id": {nil, map[string]string{"argocd.argoproj.io/tracking-id": "shop"}, ""},
	} {
		for range 10 { // the same each time
			got := ""
			if k, ok := keptBy(&metav1.ObjectMeta{Labels: tt.labels, Annotations: tt.annotations}); ok {
				got = k.tool + " " + k.key.Kind + "." + k.key.Group + " " + k.key.Namespace + "/" + k.key.Name
			}
			if got != tt.want {
				t.Errorf("%s: got %q, want %q", name, got, tt.want)
			}
		}
	}
}

// asked is a cluster that answers one way, and counts.
type asked struct {
	err   error
	times int
}

func (a *asked) GetMeta(context.Context, schema.GroupVersionKind, string, string) (*metav1.ObjectMeta, error) {
	a.times++
	return &metav1.ObjectMeta{}, a.err
}

// TestKept: only who still asks for an object hinders; a mark alone does not, and an error is none.
func TestKept(t *testing.T) {
	m := &metav1.ObjectMeta{Labels: map[string]string{"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "prod"}}
	for name, tt := range map[string]struct {
		err    error
		kind   model.ErrorKind
		failed bool
		said   string
	}{
		"it is there":     {kind: model.ErrConflict, failed: true},
		"it is gone":      {err: &model.Error{Kind: model.ErrNotFound}},
		"no such kind":    {err: &model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}},
		"may not be read": {err: &model.Error{Kind: model.ErrDenied}, said: "Flux keeps it by HelmRelease/shop in namespace prod"},
		"cannot be asked": {err: &model.Error{Kind: model.ErrTransient}, kind: model.ErrTransient, failed: true},
	} {
		var said string
		c := &asked{err: tt.err}
		j := &job{d: &Deployer{Cluster: c, Say: func(format string, args ...any) {
			said = format
			for _, a := range args {
				said = strings.Replace(said, "%s", a.(string), 1)
			}
		}}}
		err := j.kept(t.Context(), m)
		if (err != nil) != tt.failed || err != nil && model.KindOf(err) != tt.kind || !strings.Contains(said, tt.said) || said != "" && tt.said == "" {
			t.Errorf("%s: %v, said %q", name, err, said)
		}
		if _ = j.kept(t.Context(), m); c.times != 1 && tt.kind != model.ErrTransient {
			t.Errorf("%s: asked %d times", name, c.times)
		}
	}
}
