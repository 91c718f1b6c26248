package pipeline

import (
	"context"
	"encoding/json"
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
			req.Pausing = func(string) { turns = append(turns, "pausing") }
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
	req.Pausing = func(string) {
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

// TestFailedHookIsRecorded: a hook that ran and failed makes a failed revision, of what was there before
// where it came before the objects. One that could not be applied makes none.
func TestFailedHookIsRecorded(t *testing.T) {
	w := newWorld(t)
	w.tended(configText)
	installed := w.line.Run(t.Context(), w.request(ModeUpgrade))
	if !installed.OK() {
		t.Fatalf("installing: %v", installed.Err)
	}
	job := func(namespace, event string) model.Object {
		o := w.objects("apiVersion: batch/v1\nkind: Job\nmetadata: {name: seed, namespace: " + namespace + ", annotations: {health: failed}}\nspec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: one}]}}}\n")[0]
		o.Hook = &model.Hook{Events: []string{event}}
		return o
	}
	for _, c := range []struct {
		name, namespace, event string
		recorded, partial      bool
		config                 string
	}{
		{"before", w.ns, "pre-upgrade", true, true, "1"},
		{"cannot be applied", "nowhere", "pre-upgrade", false, false, "1"},
		{"after", w.ns, "post-upgrade", true, false, "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.desired.Objects = w.objects(strings.Replace(configText, `"1"`, `"2"`, 1))
			w.desired.Hooks = []model.Object{job(c.namespace, c.event)}
			out := w.line.Run(t.Context(), w.after(installed))
			if out.Err == nil || hookHasFailed(out.Err) != c.recorded {
				t.Fatalf("the run ended with %v", out.Err)
			}
			if got := w.data(); got != c.config {
				t.Errorf("the object is at %q", got)
			}
			rec := out.Record
			if (rec != nil) != c.recorded {
				t.Fatalf("recorded: %+v", rec)
			}
			if rec != nil && (rec.Status != model.RecordFailed || !rec.HookFailed || rec.Partial != c.partial || len(rec.Inventory) != 1) {
				t.Errorf("recorded: %+v", rec)
			}
		})
	}
}

// TestInstalling: a release is to be installed until a revision of it was deployed.
func TestInstalling(t *testing.T) {
	for _, c := range []struct {
		history []model.RecordStatus
		want    bool
	}{
		{nil, true},
		{[]model.RecordStatus{model.RecordFailed}, true},
		{[]model.RecordStatus{model.RecordDeployed}, false},
		{[]model.RecordStatus{model.RecordSuperseded, model.RecordFailed}, false},
		{[]model.RecordStatus{model.RecordSuperseded, model.RecordUninstalled}, true},
		{[]model.RecordStatus{model.RecordUninstalled, model.RecordFailed}, true},
		{[]model.RecordStatus{model.RecordUninstalled, model.RecordDeployed}, false},
	} {
		var req Request
		for _, s := range c.history {
			req.History = append(req.History, model.Record{Status: s})
		}
		if got := req.Installing(); got != c.want {
			t.Errorf("%v: %v", c.history, got)
		}
	}
}

// data is what the release's ConfigMap holds.
func (w *world) data() string {
	w.t.Helper()
	raw, err := w.client.Get(w.t.Context(), configMaps, w.ns, "web")
	must(w.t, err)
	var cm struct{ Data map[string]string }
	must(w.t, json.Unmarshal(raw, &cm))
	return cm.Data["a"]
}
