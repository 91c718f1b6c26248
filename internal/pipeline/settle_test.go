package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
)

var services = schema.GroupVersionKind{Version: "v1", Kind: "Service"}

// slow makes a Service whose health waits for an annotation, beside a ConfigMap that is healthy as soon
// as it is there.
func (w *world) slow() {
	w.line.Live = live.New(w.t.Context(), w.client, live.Options{Scoped: true, Health: func(gvk schema.GroupVersionKind) live.HealthFunc {
		if gvk != services {
			return nil
		}
		return func(u *unstructured.Unstructured) model.Health {
			if u.GetAnnotations()["ready"] == "" {
				return model.Health{Status: model.Progressing, Message: "not ready"}
			}
			return model.Health{Status: model.Healthy}
		}
	}})
	w.desired.Objects = append(w.objects("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"), w.configMap("web", ""))
}

func (w *world) ready() {
	w.t.Helper()
	_, err := w.client.Patch(w.t.Context(), services, w.ns, "web", "", types.MergePatchType, []byte(`{"metadata":{"annotations":{"ready":"yes"}}}`), "test")
	must(w.t, err)
}

// TestDriftWhileWaiting: what others delete while a run waits is put back by that run, without its
// hooks, and the run is recorded once.
func TestDriftWhileWaiting(t *testing.T) {
	w := newWorld(t)
	w.slow()
	w.desired.Hooks = []model.Object{w.hook("before", "", model.Hook{Events: []string{"pre-install"}})}
	var told []string
	hooks := 0
	req := w.request(ModeUpgrade)
	req.Pausing = func() { hooks++ }
	req.Waiting = func(ctx context.Context) context.Context {
		switch len(told) {
		case 0:
			must(t, w.client.Delete(t.Context(), configMaps, w.ns, "web", ""))
		case 2:
			w.ready()
		}
		return ctx
	}
	req.Drifted = func(_ context.Context, keys []model.ObjectKey) time.Duration {
		for _, key := range keys {
			told = append(told, key.Short())
		}
		if len(told) == 1 {
			return 10 * time.Millisecond // it is asked again, and nothing else has to happen for it
		}
		return 0
	}
	out := w.line.Run(t.Context(), req)
	if !out.OK() {
		t.Fatalf("%v, %+v", out.Err, out.Verdict)
	}
	if !slices.Equal(told, []string{"ConfigMap/web", "ConfigMap/web"}) || len(out.Repaired) != 1 || out.Repaired[0].Short() != "ConfigMap/web" {
		t.Errorf("asked for %v, repaired %v", told, out.Repaired)
	}
	if !w.exists("web") || hooks != 1 || len(w.records.written) != 1 {
		t.Errorf("web is there: %v; %d hooks, %d records", w.exists("web"), hooks, len(w.records.written))
	}
	again := w.request(ModeUpgrade)
	again.History = []model.Record{*out.Record}
	if out = w.line.Run(t.Context(), again); !out.OK() || len(out.Plan.Changes()) == 0 {
		t.Fatalf("%v, %+v", out.Err, out.Verdict)
	}
	for _, c := range out.Plan.Changes() {
		if c.Action != model.ActionUnchanged {
			t.Errorf("the record is not what is there: %s %s (%s)", c.Action, c.Key.Short(), c.Reason)
		}
	}
}

// TestDriftLeftAlone: a run that must not put back fails in its time and says what is missing.
func TestDriftLeftAlone(t *testing.T) {
	for name, drifted := range map[string]func(context.Context, []model.ObjectKey) time.Duration{
		"nobody-asked": nil,
		"not-yet":      func(context.Context, []model.ObjectKey) time.Duration { return time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.slow()
			req := w.request(ModeUpgrade)
			req.Release.Timeout = time.Second
			req.Drifted = drifted
			deleted := false
			req.Waiting = func(ctx context.Context) context.Context {
				if !deleted {
					must(t, w.client.Delete(t.Context(), configMaps, w.ns, "web", ""))
					w.ready()
					deleted = true
				}
				return ctx
			}
			out := w.line.Run(t.Context(), req)
			if out.Verdict.Reason != health.VerdictTimeout || !strings.Contains(out.Verdict.Message, "ConfigMap/web") || w.exists("web") {
				t.Errorf("%v, %+v", out.Err, out.Verdict)
			}
		})
	}
}
