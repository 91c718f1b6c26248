package charts_test

import (
	"context"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
)

// TestFlaskAppPassesItsTest does what fairlead chart test does, on the oldest and the newest
// Kubernetes it knows: nothing is found, in however many ways the chart is rendered.
func TestFlaskAppPassesItsTest(t *testing.T) {
	report, err := check.Run(t.Context(), check.Options{
		Path: "flask-app", CRDs: []string{"testdata/crds"}, Kube: []string{"1.36", "1.33"}, Now: time.Now,
		Open: func(string) (check.Render, func()) {
			r := render.New(render.Options{})
			return func(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities) (model.Rendered, error) {
				return r.Render(ctx, rel, a, caps, render.RenderOptions{})
			}, func() {}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Severity != check.Info {
			t.Errorf("%s:%d: %s [%s]", f.File, f.Line, f.Message, f.Rule)
		}
	}
}
