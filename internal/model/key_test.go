package model

import (
	"strings"
	"testing"
)

func TestReleaseOf(t *testing.T) {
	for label, want := range map[string]string{
		"Application.argocd.web": "Application/argocd/web", "HelmRelease.dev.web.v2": "HelmRelease/dev/web.v2", "Root.fleet": "Root/fleet", "odd": "odd",
	} {
		if got := ReleaseOf(label); got != want {
			t.Errorf("%s is read as %s, want %s", label, got, want)
		}
	}
	cut := ReleaseID{Kind: KindHelmRelease, Namespace: "dev", Name: strings.Repeat("w", 80)}.Label()
	if got := ReleaseOf(cut); got != cut {
		t.Errorf("a label that was cut is read as %s", got)
	}
}

func TestDisown(t *testing.T) {
	for want, c := range map[string]Change{
		"kubectl label Deployment web -n dev fairlead.dev/release-":                     {Version: "v1", Key: ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "dev", Name: "web"}},
		"kubectl label ClusterRole web fairlead.dev/release-":                           {Version: "v1", Key: ObjectKey{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "web"}},
		"kubectl label Service.v1.serving.knative.dev web -n dev fairlead.dev/release-": {Version: "v1", Key: ObjectKey{Group: "serving.knative.dev", Kind: "Service", Namespace: "dev", Name: "web"}},
	} {
		if got := c.Disown(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
