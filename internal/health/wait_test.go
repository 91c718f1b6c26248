package health

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var (
	webKey    = model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "dev", Name: "web"}
	configKey = model.ObjectKey{Kind: "ConfigMap", Namespace: "dev", Name: "web"}
)

// waiting starts Wait beside the test; the returned function gives its verdict.
func waiting(ctx context.Context, w *Waiter, target Target, src Source, progress func(model.ObjectHealth)) func() model.Verdict {
	verdict := make(chan model.Verdict, 1)
	go func() { verdict <- w.Wait(ctx, target, src, progress) }()
	return func() model.Verdict { return <-verdict }
}

func TestWaitHealthy(t *testing.T) {
	src := newStage()
	src.set(configKey, "5", healthy(""))
	src.set(webKey, "6", prog(ReasonNotObserved, "generation 1 is not observed yet"))
	var told []string
	seen := make(chan struct{}, 10)
	verdict := waiting(t.Context(), newWaiter(&fixture{}, Rules{}), Target{Keys: []model.ObjectKey{configKey, webKey}}, src,
		func(h model.ObjectHealth) {
			told = append(told, h.Key.Short()+" "+string(h.Health.Status)+" "+h.Health.Message)
			seen <- struct{}{}
		})
	<-seen
	<-seen
	src.set(webKey, "7", prog(ReasonPodsNotReady, "1/2 ready"))
	<-seen
	src.set(webKey, "8", healthy("2/2 ready"))
	v := verdict()
	if v.Status != model.Healthy || v.Reason != VerdictHealthy || len(v.Causes) != 0 {
		t.Errorf("verdict is %+v", v)
	}
	want := []string{
		"ConfigMap/web Healthy ", "Deployment/web Progressing generation 1 is not observed yet",
		"Deployment/web Progressing 1/2 ready", "Deployment/web Healthy 2/2 ready",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

// An observation older than the write is of the rollout before this one.
func TestWaitIgnoresOlderVersions(t *testing.T) {
	src := newStage()
	src.set(webKey, "99", healthy("2/2 ready"))
	seen := make(chan model.Health, 10)
	verdict := waiting(t.Context(), newWaiter(&fixture{}, Rules{}),
		Target{Keys: []model.ObjectKey{webKey}, Versions: map[model.ObjectKey]string{webKey: "100"}}, src,
		func(h model.ObjectHealth) { seen <- h.Health })
	if h := <-seen; h.Status != model.Progressing {
		t.Errorf("an older observation is taken as %s", h.Status)
	}
	src.set(webKey, "100", healthy("2/2 ready"))
	if v := verdict(); v.Status != model.Healthy {
		t.Errorf("verdict is %+v", v)
	}
}

// A source that does not know is never green, and recovers.
func TestWaitUnsure(t *testing.T) {
	src := newStage()
	src.set(webKey, "1", healthy(""))
	src.fail(errors.New("the watch on deployments is down"))
	seen := make(chan model.Health, 10)
	verdict := waiting(t.Context(), newWaiter(&fixture{}, Rules{}), Target{Keys: []model.ObjectKey{webKey}}, src,
		func(h model.ObjectHealth) { seen <- h.Health })
	if h := <-seen; h.Status != model.Unknown {
		t.Errorf("health is %+v, want Unknown", h)
	}
	src.fail(nil)
	if v := verdict(); v.Status != model.Healthy {
		t.Errorf("verdict is %+v", v)
	}
}

func TestWaitTimeout(t *testing.T) {
	service := model.ObjectKey{Kind: "Service", Namespace: "dev", Name: "web"}
	for _, tc := range []struct {
		name    string
		arrange func(*stage)
		status  model.HealthStatus
		message string
	}{
		{"never ready", func(s *stage) { s.set(service, "1", prog("NoLoadBalancer", "waits for the load balancer's address")) },
			model.Degraded, "not healthy after 50ms: Service/web waits for the load balancer's address: Service/web: waits for the load balancer's address"},
		{"never there", func(*stage) {}, model.Degraded, "not healthy after 50ms: Service/web missing: Service/web does not exist"},
		{"never known", func(s *stage) { s.fail(errors.New("not synced")) },
			model.Unknown, "not healthy after 50ms: Service/web not synced: Service/web: not synced"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := newStage()
			tc.arrange(src)
			r := &fixture{objects: map[model.ObjectKey]map[string]any{}}
			if tc.name == "never ready" {
				r.objects[service] = parse(t, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer}")
			}
			v := newWaiter(r, Rules{}).Wait(t.Context(), Target{
				Release: model.Release{Timeout: 50 * time.Millisecond}, Keys: []model.ObjectKey{service},
			}, src, nil)
			if v.Reason != VerdictTimeout || v.Status != tc.status || v.Message != tc.message {
				t.Errorf("got %s %s %q\nwant %s %q", v.Reason, v.Status, v.Message, tc.status, tc.message)
			}
			if len(v.Causes) == 0 {
				t.Error("no cause is named")
			}
		})
	}
}

func TestWaitEnds(t *testing.T) {
	for _, tc := range []struct {
		cause        error
		reason, text string
	}{
		{ErrSuperseded, VerdictSuperseded, "superseded by a newer request"},
		{errors.New("the controller stops"), VerdictCancelled, "the controller stops"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		verdict := waiting(ctx, newWaiter(&fixture{}, Rules{}), Target{Keys: []model.ObjectKey{webKey}}, newStage(), nil)
		cancel(tc.cause)
		v := verdict()
		if v.Reason != tc.reason || v.Message != tc.text || v.Status == model.Healthy {
			t.Errorf("cancelled with %v: verdict is %+v", tc.cause, v)
		}
	}
}

// What its own status calls final ends the waiting at once, with the cause below it.
func TestWaitFinal(t *testing.T) {
	f, key := jobFixture(t)
	src := newStage()
	src.set(key, "1", Of(f.objects[key]))
	src.set(webKey, "2", prog(ReasonPodsNotReady, "0/1 ready"))
	v := newWaiter(f, Rules{}).Wait(t.Context(), Target{Keys: []model.ObjectKey{key, webKey}}, src, nil)
	if v.Reason != VerdictFailed || v.Status != model.Degraded {
		t.Fatalf("verdict is %+v", v)
	}
	if len(v.Causes) != 1 || !v.Causes[0].Final || !strings.Contains(v.Message, "relation \"users\" already exists") {
		t.Errorf("message %q, causes %+v", v.Message, v.Causes)
	}
}

// What is suspended is as someone asked for it; a job that completed may be cleaned up.
func TestWaitDone(t *testing.T) {
	job := model.ObjectKey{Group: "batch", Kind: "Job", Namespace: "dev", Name: "migrate"}
	src := newStage()
	src.set(webKey, "1", suspended("Paused", "the rollout is paused"))
	src.set(job, "1", healthy("completed"))
	src.set(configKey, "1", prog("Reconciling", ""))
	seen := make(chan model.ObjectHealth, 10)
	verdict := waiting(t.Context(), newWaiter(&fixture{}, Rules{}), Target{Keys: []model.ObjectKey{webKey, job, configKey}}, src,
		func(h model.ObjectHealth) { seen <- h })
	<-seen
	<-seen
	<-seen
	src.mu.Lock()
	delete(src.live, job)
	src.mu.Unlock()
	src.set(configKey, "2", healthy(""))
	if v := verdict(); v.Status != model.Healthy || v.Objects[0].Health.Status != model.Suspended {
		t.Errorf("verdict is %+v", v)
	}
}

func TestOlder(t *testing.T) {
	for _, tc := range []struct {
		seen, written string
		want          bool
	}{
		{"9", "10", true}, {"10", "10", false}, {"11", "10", false}, {"9", "", false}, {"a", "b", false},
	} {
		if got := older(tc.seen, tc.written); got != tc.want {
			t.Errorf("older(%q, %q) = %v", tc.seen, tc.written, got)
		}
	}
}
