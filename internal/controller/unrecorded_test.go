package controller

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestReadable: a kind without rights is left out; what could not be asked is an error and no answer.
func TestReadable(t *testing.T) {
	for name, c := range map[string]struct {
		err       error
		ok, fails bool
	}{
		"there":             {nil, true, false},
		"not there":         {&model.Error{Kind: model.ErrNotFound, Reason: kube.ReasonNotFound}, true, false},
		"no right":          {&model.Error{Kind: model.ErrDenied, Reason: kube.ReasonForbidden}, false, false},
		"no such kind":      {&model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}, false, false},
		"no credential":     {&model.Error{Kind: model.ErrDenied, Reason: "Unauthorized"}, false, true},
		"no answer":         {&model.Error{Kind: model.ErrTransient}, false, true},
		"some other answer": {errors.New("odd"), false, true},
	} {
		if ok, err := readable(c.err); ok != c.ok || (err != nil) != c.fails {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
	}
}

// TestOrphan: only a label that is the whole ID of a HelmRelease names one to be removed. One that was
// cut would name a release that never existed, and so look like one that is gone.
func TestOrphan(t *testing.T) {
	id := func(namespace, name string) model.ReleaseID {
		return model.ReleaseID{Kind: model.KindHelmRelease, Namespace: namespace, Name: name}
	}
	for _, whole := range []model.ReleaseID{
		id("dev", "web"), id("dev", "web.v2"), id("dev", "web-0123456789abcdef"), id("dev", strings.Repeat("w", 63-len("HelmRelease.dev."))),
	} {
		if got, ok := orphan(whole.Label()); !ok || got != whole {
			t.Errorf("%s: %v, %t", whole, got, ok)
		}
	}
	for _, label := range []string{
		"", "web", "HelmRelease.dev", "HelmRelease..web", "Application.argocd.web", "Root.fleet",
		id("dev", strings.Repeat("w", 80)).Label(),
		id("dev", strings.Repeat("w", 22)+"-----------"+strings.Repeat("w", 40)).Label(),
		id(strings.Repeat("n", 63), "web").Label(),
	} {
		if got, ok := orphan(label); ok {
			t.Errorf("%q is taken for %s", label, got)
		}
	}
}
