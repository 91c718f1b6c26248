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

var (
	services = schema.GroupVersionKind{Version: "v1", Kind: "Service"}
	jobs     = schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
)

const (
	serviceText = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n---\n"
	configText  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: \"1\"}\n---\n"
	// jobText is held by a finalizer, as by the foreground deletion of its pods, until letGo.
	jobText = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: seed, finalizers: [example.com/stay]}\nspec: {suspend: true, ttlSecondsAfterFinished: 100, template: {spec: {restartPolicy: Never, containers: [{name: a, image: one}]}}}\n---\n"
)

// tended makes the health of Services and Jobs an annotation's word, and gives the release objects.
func (w *world) tended(text string) {
	w.t.Helper()
	w.line.Live = live.New(w.t.Context(), w.client, live.Options{Scoped: true, Health: func(gvk schema.GroupVersionKind) live.HealthFunc {
		if gvk != services && gvk != jobs {
			return nil
		}
		return func(u *unstructured.Unstructured) model.Health {
			switch u.GetAnnotations()["health"] {
			case "":
				return model.Health{Status: model.Progressing, Message: "not ready"}
			case "failed":
				return model.Health{Status: model.Degraded, Final: true, Reason: "Failed", Message: "the job failed"}
			}
			return model.Health{Status: model.Healthy}
		}
	}})
	w.desired.Objects = w.objects(text)
}

func (w *world) patch(gvk schema.GroupVersionKind, name, patch string) {
	w.t.Helper()
	_, err := w.client.Patch(context.Background(), gvk, w.ns, name, "", types.MergePatchType, []byte(patch), "test")
	must(w.t, err)
}

func (w *world) ready() { w.patch(services, "web", `{"metadata":{"annotations":{"health":"good"}}}`) }

func (w *world) unready() { w.patch(services, "web", `{"metadata":{"annotations":{"health":null}}}`) }

// finish has the Job complete or fail.
func (w *world) finish(how string) {
	w.patch(jobs, "seed", `{"metadata":{"annotations":{"health":"`+how+`"}}}`)
}

// expire deletes the Job as Kubernetes does some time after it finished; it is gone once it is let go.
func (w *world) expire(letGo bool) {
	w.t.Helper()
	must(w.t, w.client.Delete(context.Background(), jobs, w.ns, "seed", ""))
	if letGo {
		w.patch(jobs, "seed", `{"metadata":{"finalizers":null}}`)
	}
}

// seen waits until the watch has told of an object what it shall.
func (w *world) seen(key model.ObjectKey, want func(l model.Live, exists bool) bool) {
	w.t.Helper()
	label := w.request(ModeUpgrade).Release.ID.Label()
	deadline := time.After(20 * time.Second)
	for {
		changed := w.line.Live.Changed(label)
		all, err := w.line.Live.Observe(label, []model.ObjectKey{key})
		must(w.t, err)
		if l, exists := all[key]; want(l, exists) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			w.t.Fatalf("%s does not become what it shall", key.Short())
		}
	}
}

func gone(l model.Live, exists bool) bool { return !exists || l.Gone }

func (w *world) key(gvk schema.GroupVersionKind, name string) model.ObjectKey {
	return model.ObjectKey{Group: gvk.Group, Kind: gvk.Kind, Namespace: w.ns, Name: name}
}

// after is a request for a run after another one.
func (w *world) after(out Outcome) Request {
	w.t.Helper()
	if out.Record == nil {
		w.t.Fatalf("nothing was recorded: %v, %+v", out.Err, out.Verdict)
	}
	req := w.request(ModeUpgrade)
	req.History = []model.Record{*out.Record}
	return req
}

// TestDriftWhileWaiting: what others delete while a run waits is put back by that run, without its
// hooks, and the run is recorded once.
func TestDriftWhileWaiting(t *testing.T) {
	w := newWorld(t)
	w.tended(serviceText + configText)
	w.desired.Hooks = []model.Object{w.hook("before", "", model.Hook{Events: []string{"pre-install"}})}
	var repaired []string
	hooks, asked := 0, 0
	req := w.request(ModeUpgrade)
	req.Pausing = func(string) { hooks++ }
	req.Waiting = func(ctx context.Context) context.Context {
		switch {
		case asked == 0:
			must(t, w.client.Delete(t.Context(), configMaps, w.ns, "web", ""))
		case len(repaired) == 1:
			w.patch(configMaps, "web", `{"data":{"a":"2"}}`)
		case len(repaired) == 2:
			w.ready()
		}
		return ctx
	}
	req.Drifted = func(context.Context) time.Duration {
		if asked++; asked == 1 {
			return 10 * time.Millisecond // it is asked again, and nothing else has to happen for it
		}
		return 0
	}
	req.Repaired = func(keys []model.ObjectKey, err error) {
		must(t, err)
		for _, key := range keys {
			repaired = append(repaired, key.Short())
		}
	}
	out := w.line.Run(t.Context(), req)
	if !out.OK() {
		t.Fatalf("%v, %+v", out.Err, out.Verdict)
	}
	if asked != 3 || !slices.Equal(repaired, []string{"ConfigMap/web", "ConfigMap/web"}) {
		t.Errorf("asked %d times, repaired %v", asked, repaired)
	}
	if !w.exists("web") || hooks != 1 || len(w.records.written) != 1 {
		t.Errorf("web is there: %v; %d hooks, %d records", w.exists("web"), hooks, len(w.records.written))
	}
	out = w.line.Run(t.Context(), w.after(out))
	if !out.OK() || len(out.Plan.Changes()) != 2 {
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
	for name, drifted := range map[string]func(context.Context) time.Duration{
		"nobody-asked": nil,
		"not-yet":      func(context.Context) time.Duration { return time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.tended(serviceText + configText)
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

// TestDriftThatStays: what a run cannot put back, or does not want to, is no reason to fail, and none
// to try at full speed.
func TestDriftThatStays(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(*world)
		repairs int
		want    string // in the last error
	}{
		{"an obsolete object deleted", func(w *world) { must(w.t, w.client.Delete(w.t.Context(), configMaps, w.ns, "old", "")) }, 0, ""},
		{"taken by another release", func(w *world) {
			w.patch(configMaps, "web", `{"metadata":{"labels":{"`+model.LabelRelease+`":"HelmRelease.x.y"}}}`)
		}, 0, ""},
		{"made immutable", func(w *world) { w.patch(configMaps, "web", `{"data":{"a":"2"},"immutable":true}`) }, 1, "immutable"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			w := newWorld(t)
			w.tended(serviceText + configText)
			both := w.desired.Objects
			w.desired.Objects = append(slices.Clone(both), w.configMap("old", ""))
			first := w.request(ModeUpgrade)
			first.Waiting = func(ctx context.Context) context.Context { w.ready(); return ctx }
			out := w.line.Run(t.Context(), first)

			w.desired.Objects = both
			req := w.after(out)
			w.unready()
			w.seen(w.key(services, "web"), func(l model.Live, _ bool) bool { return l.Health.Status != model.Healthy })
			req.Release.Policy.Prune = false
			waits, tries := 0, 0
			var last error
			req.Waiting = func(ctx context.Context) context.Context {
				switch waits++; {
				case waits == 1:
					c.do(w)
					if c.repairs == 0 {
						w.ready() // nothing ends the wait before
					}
				case waits == 2:
					w.ready()
				}
				return ctx
			}
			req.Drifted = func(context.Context) time.Duration { return 0 }
			req.Repaired = func(keys []model.ObjectKey, err error) {
				if tries++; len(keys) > 0 || err == nil {
					t.Errorf("repaired %v, error %v", keys, err)
				}
				last = err
			}
			out = w.line.Run(t.Context(), req)
			if !out.OK() || tries != c.repairs || last != nil && !strings.Contains(last.Error(), c.want) {
				t.Errorf("%v, %+v; %d tries, the last one %v", out.Err, out.Verdict, tries, last)
			}
			if len(out.Inventory()) != 3 {
				t.Errorf("the record lost something: %v", out.Inventory())
			}
		})
	}
}

// TestJobExpires: a Job that completed is not missed when Kubernetes has deleted it, however that falls
// together with others' changes, and is not made again.
func TestJobExpires(t *testing.T) {
	completes := func(w *world) {
		w.finish("good")
		w.expire(true)
	}
	for _, c := range []struct {
		name string
		do   func(w *world, wait int) // before each wait
	}{
		{"before the wait", func(w *world, wait int) {
			completes(w)
			w.seen(w.key(jobs, "seed"), gone)
			w.ready()
		}},
		{"before a repair", func(w *world, wait int) {
			if wait == 2 {
				w.ready()
				return
			}
			completes(w)
			w.seen(w.key(jobs, "seed"), gone)
			must(w.t, w.client.Delete(context.Background(), configMaps, w.ns, "web", ""))
		}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			w := newWorld(t)
			w.tended(serviceText + configText + jobText)
			wait := 0
			req := w.request(ModeUpgrade)
			req.Waiting = func(ctx context.Context) context.Context {
				wait++
				c.do(w, wait)
				return ctx
			}
			req.Drifted = func(context.Context) time.Duration { return 0 }
			out := w.line.Run(t.Context(), req)
			if !out.OK() {
				t.Fatalf("%v, %+v", out.Err, out.Verdict)
			}
			for _, restarted := range []bool{false, true} {
				if restarted {
					w.tended(serviceText + configText + jobText)
				}
				out = w.line.Run(t.Context(), w.after(out))
				if !out.OK() || !out.Plan.Empty() {
					t.Errorf("restarted %v: %v, %+v, %+v", restarted, out.Err, out.Verdict, out.Plan.Changes())
				}
			}
		})
	}
}

// TestJobFails: one that failed is made again by the next run, whether it is still there or not.
func TestJobFails(t *testing.T) {
	w := newWorld(t)
	w.tended(jobText)
	req := w.request(ModeUpgrade)
	req.Waiting = func(ctx context.Context) context.Context { w.finish("failed"); return ctx }
	out := w.line.Run(t.Context(), req)
	if out.Verdict.Reason != health.VerdictFailed {
		t.Fatalf("%v, %+v", out.Err, out.Verdict)
	}
	w.expire(true)
	w.seen(w.key(jobs, "seed"), gone)
	again := w.after(out)
	again.Waiting = func(ctx context.Context) context.Context { w.finish("good"); return ctx }
	out = w.line.Run(t.Context(), again)
	if changes := out.Plan.Changes(); !out.OK() || len(changes) != 1 || changes[0].Action != model.ActionRepair {
		t.Errorf("%v, %+v, %+v", out.Err, out.Verdict, changes)
	}
	if inv := out.Inventory(); len(inv) != 1 || !inv[0].Done() {
		t.Errorf("recorded: %+v", inv)
	}
	w.expire(true)
}

// TestJobInTheWay: another Job by the name of one that is on its way out is missed when that is gone.
func TestJobInTheWay(t *testing.T) {
	w := newWorld(t)
	w.tended(jobText)
	req := w.request(ModeUpgrade)
	req.Waiting = func(ctx context.Context) context.Context { w.finish("good"); return ctx }
	out := w.line.Run(t.Context(), req)
	w.expire(false)
	key := w.key(jobs, "seed")
	w.seen(key, func(l model.Live, _ bool) bool { return l.Deleting })

	var told []live.Event
	w.line.Live.Subscribe(func(e live.Event) {
		if e.Drift {
			told = append(told, e)
		}
	})
	w.desired.Objects = w.objects(strings.Replace(jobText, "image: one", "image: two", 1))
	again := w.after(out)
	again.Waiting = func(ctx context.Context) context.Context {
		w.patch(jobs, "seed", `{"metadata":{"finalizers":null}}`)
		return ctx
	}
	out = w.line.Run(t.Context(), again)
	if !out.OK() || out.Record == nil || out.Record.Inventory[0].Expires() {
		t.Fatalf("%v, %+v, %+v", out.Err, out.Verdict, out.Record)
	}
	if len(told) != 1 || told[0].Key != key {
		t.Errorf("drift: %+v", told)
	}
	last := w.after(out)
	last.Mode = ModeRepair
	last.Waiting = func(ctx context.Context) context.Context { w.finish("good"); return ctx }
	if out = w.line.Run(t.Context(), last); !out.OK() || out.Plan.Empty() {
		t.Errorf("%v, %+v, %+v", out.Err, out.Verdict, out.Plan.Changes())
	}
	w.expire(true)
}
