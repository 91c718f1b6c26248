package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// answers is a cluster that answers one way, within a limit.
type answers struct {
	body string
	err  error
}

func (a answers) GetUpTo(_ context.Context, _ schema.GroupVersionKind, _, _ string, limit int64) ([]byte, error) {
	if a.err == nil && int64(len(a.body)) > limit {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonTooLarge}
	}
	return []byte(a.body), a.err
}

// TestLookUpIn: what is not there is nothing, what is too much or may not be read is an error.
func TestLookUpIn(t *testing.T) {
	denied := &model.Error{Kind: model.ErrDenied}
	noPlace := &model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}
	for name, tt := range map[string]struct {
		answers
		limit int64
		want  error
	}{
		"found":           {answers{body: "{}"}, 2, nil},
		"too much":        {answers{body: "{}"}, 1, render.ErrTooMuchFound},
		"gone":            {answers{err: &model.Error{Kind: model.ErrNotFound}}, 2, nil},
		"nobody knows":    {answers{err: noPlace}, 2, noPlace},
		"may not be read": {answers{err: denied}, 2, denied},
	} {
		got, err := lookUpIn(tt.answers, "ask")(t.Context(), model.Release{}, helm.Lookup{APIVersion: "v1", Kind: "Pod", Namespace: "dev", Name: "a"}, tt.limit)
		if tt.want == denied {
			if model.KindOf(err) != model.ErrDenied {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, tt.want) || err == nil && string(got) != tt.body {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, q := range []helm.Lookup{{APIVersion: "example.com/v1", Kind: "Thing", Name: "a"}, {APIVersion: "v1", Kind: "Pod", Name: "a"}} {
		if got, err := lookUpIn(answers{body: "{}"}, "ask")(t.Context(), model.Release{}, q, 2); err != nil || got != nil {
			t.Errorf("%s: %q, %v", q, got, err)
		}
	}
}

// Scope says that everything but nodes is in namespaces.
func (a answers) Scope(_ context.Context, gvk schema.GroupVersionKind) (bool, error) {
	if gvk.Kind == "Thing" {
		return false, &model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}
	}
	return gvk.Kind != "Node", nil
}

// TestLookUpFor: what a controller renders sees the release's namespace and what is in none.
func TestLookUpFor(t *testing.T) {
	rel := model.Release{Name: "db", Namespace: "shop", ServiceAccount: "shop/deployer"}
	for name, tt := range map[string]struct {
		q      helm.Lookup
		want   string // found; empty: nothing
		refuse string
	}{
		"its own":                     {helm.Lookup{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db"}, "{}", ""},
		"all of its own":              {helm.Lookup{APIVersion: "v1", Kind: "Secret", Namespace: "shop"}, "{}", ""},
		"in no namespace":             {helm.Lookup{APIVersion: "v1", Kind: "Node", Name: "a"}, "{}", ""},
		"in no namespace, by mistake": {helm.Lookup{APIVersion: "v1", Kind: "Node", Namespace: "x", Name: "a"}, "{}", ""},
		"of an unknown kind":          {helm.Lookup{APIVersion: "example.com/v1", Kind: "Thing", Namespace: "x", Name: "a"}, "", ""},
		"one without its namespace":   {helm.Lookup{APIVersion: "v1", Kind: "Secret", Name: "db"}, "", ""},
		"another namespace":           {helm.Lookup{APIVersion: "v1", Kind: "Secret", Namespace: "pay", Name: "db"}, "", `release "db" is in namespace shop: a chart may not read objects of other namespaces`},
		"all of another namespace":    {helm.Lookup{APIVersion: "v1", Kind: "ConfigMap", Namespace: "pay"}, "", "other namespaces"},
		"everywhere":                  {helm.Lookup{APIVersion: "v1", Kind: "Secret"}, "", "all namespaces"},
	} {
		var asked string
		look := lookUpFor(answers{body: "{}"}, func(account string) (objectReader, error) {
			asked = account
			return answers{body: "{}"}, nil
		})
		got, err := look(t.Context(), rel, tt.q, 100)
		if tt.refuse != "" {
			if model.KindOf(err) != model.ErrInvalid || !strings.Contains(err.Error(), tt.refuse) || got != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			continue
		}
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if tt.want != "" && asked != rel.ServiceAccount {
			t.Errorf("%s: read with the rights of %q", name, asked)
		}
	}
}
