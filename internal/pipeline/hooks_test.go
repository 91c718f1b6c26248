package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestStuckHook: a hook that a finalizer holds ends the run with the release's timeout, and the error
// says what holds it.
func TestStuckHook(t *testing.T) {
	for name, policies := range map[string][]string{"before the next": {hookBeforeCreation}, "after success": {hookSucceeded}} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			w := newWorld(t)
			w.desired.Hooks = []model.Object{w.hook("job", "example.com/stay", model.Hook{Events: []string{"pre-install"}, DeletePolicies: policies})}
			t.Cleanup(func() { w.letGo("job") })
			var turns []string
			req := w.request(ModeUpgrade)
			req.Release.Timeout = 2 * time.Second
			req.Pausing = func() { turns = append(turns, "pausing") }
			req.Writing = func(context.Context) error { turns = append(turns, "writing"); return nil }
			out := w.line.Run(t.Context(), req)
			if out.Err == nil { // it is the next run that finds it
				out = w.line.Run(t.Context(), req)
			}
			if !errors.Is(out.Err, context.DeadlineExceeded) || model.ReasonOf(out.Err, "") != health.VerdictTimeout {
				t.Fatalf("the run ended with %v", out.Err)
			}
			for _, want := range []string{"ConfigMap/job", "still being deleted", "example.com/stay"} {
				if !strings.Contains(out.Err.Error(), want) {
					t.Errorf("%q is missing from %v", want, out.Err)
				}
			}
			if n := len(turns); n < 4 || turns[n-2] != "pausing" || turns[n-1] != "writing" {
				t.Errorf("the writing place was held: %v", turns)
			}
		})
	}
}

// TestCancelledCleanUp: a run that is cancelled while it cleans up does not wait, and deletes what it
// would have deleted.
func TestCancelledCleanUp(t *testing.T) {
	w := newWorld(t)
	gone := model.Hook{Events: []string{"pre-install"}, DeletePolicies: []string{hookSucceeded}}
	w.desired.Hooks = []model.Object{w.hook("a", "", gone), w.hook("b", "example.com/stay", gone)}
	t.Cleanup(func() { w.letGo("b") })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pauses := 0
	req := w.request(ModeUpgrade)
	req.Pausing = func() {
		if pauses++; pauses == 3 { // two waits until they are healthy, and one until they are gone
			cancel()
		}
	}
	out := w.line.Run(ctx, req)
	if !errors.Is(out.Err, context.Canceled) {
		t.Fatalf("the run ended with %v", out.Err)
	}
	if !w.exists("b") || w.exists("a") {
		t.Errorf("a is there: %v, b, which is held: %v", w.exists("a"), w.exists("b"))
	}
	if len(w.records.written) > 0 {
		t.Errorf("it was recorded: %+v", w.records.written)
	}
}

// TestUninstallIsAskedAgain: what stops a run after its hooks keeps the objects.
func TestUninstallIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.desired.Objects = []model.Object{w.configMap("web", "")}
	out := w.line.Run(t.Context(), w.request(ModeUpgrade))
	if !out.OK() {
		t.Fatalf("installing: %v", out.Err)
	}
	w.records.hooks = []model.Object{w.hook("last", "", model.Hook{Events: []string{"pre-delete"}})}
	req := w.request(ModeUninstall)
	req.History = []model.Record{*out.Record}
	req.Applying = func(context.Context, model.Plan) error {
		if !w.exists("last") {
			t.Error("it was asked before the hooks")
		}
		return health.ErrSuperseded
	}
	out = w.line.Run(t.Context(), req)
	if !errors.Is(out.Err, health.ErrSuperseded) || !w.exists("web") {
		t.Errorf("the run ended with %v; its object is there: %v", out.Err, w.exists("web"))
	}
}
