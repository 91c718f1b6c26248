package app

import (
	"context"
	"errors"
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
	for name, tt := range map[string]struct {
		answers
		limit int64
		want  error
	}{
		"found":           {answers{body: "{}"}, 2, nil},
		"too much":        {answers{body: "{}"}, 1, render.ErrTooMuchFound},
		"gone":            {answers{err: &model.Error{Kind: model.ErrNotFound}}, 2, nil},
		"no such kind":    {answers{err: &model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}}, 2, nil},
		"may not be read": {answers{err: denied}, 2, denied},
	} {
		got, err := lookUpIn(tt.answers)(t.Context(), helm.Lookup{APIVersion: "v1", Kind: "Pod"}, tt.limit)
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
}
