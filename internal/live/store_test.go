package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var cluster = testkit.SharedCluster{Options: testkit.ClusterOptions{Node: "none"}}

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

var (
	configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	secrets    = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	services   = schema.GroupVersionKind{Version: "v1", Kind: "Service"}
)

// link is the way to the API server, which a test can spoil.
type link struct {
	mu     sync.Mutex
	spoil  func(*http.Request) (*http.Response, error) // nil answers pass
	bodies []io.Closer
	lists  int // GETs of whole kinds that are no watches, and watches that begin with a list
}

func (l *link) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		l.mu.Lock()
		spoil := l.spoil
		q := r.URL.Query()
		if r.Method == http.MethodGet && (q.Get("sendInitialEvents") == "true" || q.Get("limit") != "") {
			l.lists++
		}
		l.mu.Unlock()
		if spoil != nil {
			if res, err := spoil(r); res != nil || err != nil {
				return res, err
			}
		}
		res, err := next.RoundTrip(r)
		if err == nil && q.Get("watch") != "" {
			l.mu.Lock()
			l.bodies = append(l.bodies, res.Body)
			l.mu.Unlock()
		}
		return res, err
	})
}

// cut ends all watches, as a load balancer does.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.bodies {
		_ = b.Close()
	}
	l.bodies = nil
}

func (l *link) spoilt(f func(*http.Request) (*http.Response, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spoil = f
}

func (l *link) listed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lists
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// refusal is an answer of the API server.
func refusal(code int32, reason metav1.StatusReason, message string) *http.Response {
	body, _ := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: message,
	})
	return &http.Response{
		StatusCode: int(code), Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(body))),
	}
}

func isWatch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// world is a store on a spoilable link, and a client on a good one.
type world struct {
	t      *testing.T
	ctx    context.Context
	link   *link
	store  *live.Store
	good   *kube.Client
	events chan live.Event
	ns     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", cluster.Get(t).Kubeconfig)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, link: &link{}, events: make(chan live.Event, 10000)}
	w.ns = strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")) + "-" + time.Now().Format("150405")
	client, err := kube.NewClient(cfg, kube.Options{Wrap: w.link.wrap})
	must(t, err)
	w.good, err = kube.NewClient(cfg, kube.Options{})
	must(t, err)
	w.store = live.New(ctx, client, live.Options{})
	w.store.Subscribe(func(e live.Event) { w.events <- e })
	_, err = w.good.Apply(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", w.ns,
		[]byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+w.ns+`"}}`), kube.ApplyOptions{Manager: "test"})
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// service applies a labelled Service as Fairlead would.
func (w *world) service(name, release string) model.ObjectKey {
	w.t.Helper()
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":%q,"labels":{%q:%q}},"spec":{"ports":[{"port":1}]}}`, name, model.LabelRelease, release)
	_, err := w.good.Apply(w.ctx, services, w.ns, name, []byte(body), kube.ApplyOptions{Manager: model.FieldManager, Force: true})
	must(w.t, err)
	return model.ObjectKey{Kind: "Service", Namespace: w.ns, Name: name}
}

// next is the next event of an object.
func (w *world) next(key model.ObjectKey) live.Event {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e := <-w.events:
			if e.Key == key {
				return e
			}
		case <-deadline:
			w.t.Fatalf("no event of %s", key)
		}
	}
}

func (w *world) observe(label string, keys ...model.ObjectKey) map[model.ObjectKey]model.Live {
	w.t.Helper()
	seen, err := w.store.Observe(label, keys)
	must(w.t, err)
	return seen
}

func TestCutWatchGoesOnWithoutAList(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.Ensure(w.ctx, services))
	w.next(w.service("a", w.ns))
	lists := w.link.listed()
	for i := range 3 {
		w.link.cut()
		key := w.service(fmt.Sprintf("b%d", i), w.ns)
		if e := w.next(key); e.Type != live.Added || e.Release != w.ns {
			t.Errorf("%+v", e)
		}
	}
	if seen := w.observe(w.ns); len(seen) != 4 {
		t.Errorf("seen %v", seen)
	}
	if n := w.link.listed(); n != lists {
		t.Errorf("%d lists after cuts", n-lists)
	}
}

// TestErrorsAreNotEmptiness lets everything that can go wrong after a good start go wrong: what was
// known stays known, and what went away meanwhile is told once the server answers again.
func TestErrorsAreNotEmptiness(t *testing.T) {
	for name, spoil := range map[string]func(*http.Request) (*http.Response, error){
		"unreachable": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"forbidden": func(r *http.Request) (*http.Response, error) {
			return refusal(403, metav1.StatusReasonForbidden, "services is forbidden"), nil
		},
		"gone": func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("sendInitialEvents") == "" {
				return refusal(410, metav1.StatusReasonExpired, "too old resource version"), nil
			}
			return refusal(500, metav1.StatusReasonInternalError, "etcdserver: leader changed"), nil
		},
		"list that ends early": func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("sendInitialEvents") == "" {
				return refusal(410, metav1.StatusReasonExpired, "too old resource version"), nil
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(""))}, nil
		},
		"unknown kind": func(r *http.Request) (*http.Response, error) {
			return refusal(404, metav1.StatusReasonNotFound, "the server could not find the requested resource"), nil
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			w := newWorld(t)
			a, b := w.service("a", w.ns), w.service("b", w.ns)
			must(t, w.store.Ensure(w.ctx, services))
			var tries int
			tried := make(chan struct{})
			w.link.spoilt(func(r *http.Request) (*http.Response, error) {
				if !isWatch(r) {
					return nil, nil
				}
				if tries++; tries == 3 {
					close(tried)
				}
				return spoil(r)
			})
			w.link.cut()
			<-tried
			if seen := w.observe(w.ns, a, b); len(seen) != 2 {
				t.Fatalf("while the server cannot be asked: %v", seen)
			}
			for len(w.events) > 0 {
				if e := <-w.events; e.Type == live.Deleted {
					t.Errorf("told %+v", e)
				}
			}
			must(t, w.good.Delete(w.ctx, services, w.ns, "b", ""))
			w.link.spoilt(nil)
			if e := w.next(b); e.Type != live.Deleted || e.Release != w.ns {
				t.Errorf("%+v", e)
			}
			if seen := w.observe(w.ns, a, b); len(seen) != 1 {
				t.Errorf("afterwards: %v", seen)
			}
		})
	}
}

func TestNoAnswerBeforeTheFirstList(t *testing.T) {
	w := newWorld(t)
	key := w.service("a", w.ns)
	if seen, err := w.store.Observe(w.ns, []model.ObjectKey{key}); err == nil {
		t.Errorf("of a kind that is not watched: %v", seen)
	}
	w.link.spoilt(func(r *http.Request) (*http.Response, error) {
		if isWatch(r) {
			return refusal(403, metav1.StatusReasonForbidden, `User "x" cannot list resource "services"`), nil
		}
		return nil, nil
	})
	err := w.store.Ensure(w.ctx, services)
	if model.KindOf(err) != model.ErrDenied || !strings.Contains(err.Error(), "cannot list resource") {
		t.Errorf("a list that is denied: %v", err)
	}
	if seen, err := w.store.Observe(w.ns, []model.ObjectKey{key}); err == nil {
		t.Errorf("before the first list: %v", seen)
	}
	w.link.spoilt(nil)
	must(t, w.store.Ensure(w.ctx, services))
	if seen := w.observe(w.ns, key); len(seen) != 1 {
		t.Errorf("after the first list: %v", seen)
	}
}

// TestServerWithoutInitialEvents takes lists in pages where a watch cannot begin with one.
func TestServerWithoutInitialEvents(t *testing.T) {
	w := newWorld(t)
	w.link.spoilt(func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("sendInitialEvents") != "" {
			return refusal(422, metav1.StatusReasonInvalid, "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"), nil
		}
		return nil, nil
	})
	key := w.service("a", w.ns)
	must(t, w.store.Ensure(w.ctx, services, configMaps))
	if seen := w.observe(w.ns, key); len(seen) != 1 || seen[key].Fields == "" {
		t.Errorf("%v", seen)
	}
	must(t, w.good.Delete(w.ctx, services, w.ns, "a", ""))
	if e := w.next(key); e.Type != live.Deleted {
		t.Errorf("%+v", e)
	}
}

func TestDriftFromARecord(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.service("a", w.ns), w.service("b", w.ns), model.ObjectKey{Kind: "Service", Namespace: w.ns, Name: "c"}
	w.store.Expect(w.ns, model.Inventory{{Key: a, Fields: "other"}, {Key: c, Fields: "x"}, {Key: b}})
	must(t, w.store.Ensure(w.ctx, services))
	got := map[string]live.EventType{}
	for range 2 {
		select {
		case e := <-w.events:
			if !e.Drift || e.Release != w.ns {
				t.Errorf("%+v", e)
			}
			got[e.Key.Name] = e.Type
		case <-time.After(10 * time.Second):
			t.Fatal("drift from before the start is not told")
		}
	}
	if got["a"] != live.Modified || got["c"] != live.Deleted {
		t.Errorf("%v", got)
	}
	seen := w.observe(w.ns, a)
	w.store.Expect(w.ns, model.Inventory{{Key: a, Fields: seen[a].Fields}})
	done := w.store.Hold(w.ns)
	must(t, w.good.Delete(w.ctx, services, w.ns, "a", ""))
	if e := w.next(a); e.Drift {
		t.Errorf("told while held: %+v", e)
	}
	done()
	done()
	if e := w.next(a); !e.Drift || e.Type != live.Deleted {
		t.Errorf("after the hold: %+v", e)
	}
	// A repair that fails leaves things as they were, and does not call for another one.
	done = w.store.Hold(w.ns)
	w.store.Expect(w.ns, model.Inventory{{Key: a, Fields: seen[a].Fields}})
	done()
	if len(w.events) != 0 {
		t.Errorf("after a failed repair: %+v", <-w.events)
	}
}

func TestAppliedIsAheadOfTheWatch(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.Ensure(w.ctx, services))
	key := w.service("a", w.ns)
	e := w.next(key)
	result := model.Result{
		Change: model.Change{Action: model.ActionUpdate, Key: key, Version: "v1"},
		UID:    e.Live.UID, ResourceVersion: e.Live.ResourceVersion, Fields: "old",
	}
	w.store.Applied(w.ns, result)
	if seen := w.observe(w.ns)[key]; seen.Fields == "old" {
		t.Error("an older answer replaced what the watch told")
	}
	result.ResourceVersion, result.Fields = e.Live.ResourceVersion+"0", "new"
	changed := w.store.Changed(w.ns)
	w.store.Applied(w.ns, result)
	select {
	case <-changed:
	default:
		t.Error("those who wait are not told")
	}
	_, err := w.good.Patch(w.ctx, services, w.ns, "a", "", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), "someone")
	must(t, err)
	w.next(w.service("fence", w.ns))
	if seen := w.observe(w.ns)[key]; seen.Fields != "new" {
		t.Errorf("an older event replaced what the apply returned: %+v", seen)
	}
	must(t, w.good.Delete(w.ctx, services, w.ns, "a", ""))
	w.next(w.service("fence2", w.ns))
	result.ResourceVersion = e.Live.ResourceVersion
	w.store.Applied(w.ns, result)
}

func TestRecordsAndConfig(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.Ensure(w.ctx, secrets, configMaps))
	record := func(revision int, status string) {
		t.Helper()
		name := fmt.Sprintf("sh.helm.release.v1.web.v%d", revision)
		body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{"name":%q,`+
			`"labels":{"owner":"helm","name":"web","version":"%d","status":%q},"annotations":{%q:"inv","other":"x"}},"stringData":{"release":"hidden"}}`,
			name, revision, status, model.AnnotationInventory)
		_, err := w.good.Apply(w.ctx, secrets, w.ns, name, []byte(body), kube.ApplyOptions{Manager: "helm", Force: true})
		must(t, err)
		e := w.next(model.ObjectKey{Kind: "Secret", Namespace: w.ns, Name: name})
		if e.Record == nil || e.Record.Revision != revision || e.Record.Status != status || e.Release != "" {
			t.Errorf("%+v", e)
		}
	}
	record(10, "deployed")
	record(9, "superseded")
	record(10, "failed")
	stored, err := w.store.Records(w.ns, "web")
	must(t, err)
	if len(stored) != 2 || stored[0].Revision != 9 || stored[1].Status != "failed" {
		t.Fatalf("%+v", stored)
	}
	if a := stored[1].Meta.Annotations; len(a) != 1 || a[model.AnnotationInventory] != "inv" {
		t.Errorf("annotations %v", a)
	}
	must(t, w.good.Delete(w.ctx, secrets, w.ns, stored[0].Meta.Name, ""))
	if e := w.next(model.ObjectKey{Kind: "Secret", Namespace: w.ns, Name: stored[0].Meta.Name}); e.Type != live.Deleted || e.Record == nil {
		t.Errorf("%+v", e)
	}
	if stored, _ = w.store.Records(w.ns, "web"); len(stored) != 1 {
		t.Errorf("%d records left", len(stored))
	}
	for i := range 2 {
		_, err := w.good.Apply(w.ctx, configMaps, w.ns, "values", []byte(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"values"},"data":{"a":"%d"}}`, i)), kube.ApplyOptions{Manager: "x"})
		must(t, err)
		w.next(model.ObjectKey{Kind: "ConfigMap", Namespace: w.ns, Name: "values"})
	}
}
