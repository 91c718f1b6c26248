package apply_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/apply"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

// line is the part of the real one that these tests are of: plan, apply and what the watches tell.
type line struct {
	t       *testing.T
	ctx     context.Context
	client  *kube.Client
	store   *live.Store
	applier *apply.Applier
	count   *counter
	others  kubernetes.Interface // someone else in the cluster
	config  *rest.Config
	events  chan live.Event

	release   model.Release
	inventory model.Inventory
}

// counter counts requests that are not watches.
type counter struct {
	mu    sync.Mutex
	seen  []string
	spoil func(*http.Request) (*http.Response, error) // nil answers pass
}

func (c *counter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("watch") == "" {
			c.mu.Lock()
			c.seen = append(c.seen, r.Method+" "+r.URL.Path)
			spoil := c.spoil
			c.mu.Unlock()
			if spoil != nil {
				if res, err := spoil(r); res != nil || err != nil {
					return res, err
				}
			}
		}
		return next.RoundTrip(r)
	})
}

func (c *counter) spoilt(f func(*http.Request) (*http.Response, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoil = f
}

func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newLine starts a line for a release in a namespace of its own, with the kinds most tests use
// watched and discovery read.
func newLine(t *testing.T) *line {
	t.Helper()
	cfg := clusterConfig(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l := &line{t: t, ctx: ctx, config: cfg, count: &counter{}, events: make(chan live.Event, 10000)}
	var err error
	if l.client, err = kube.NewClient(cfg, kube.Options{Wrap: l.count.wrap}); err != nil {
		t.Fatal(err)
	}
	l.others = kubernetes.NewForConfigOrDie(cfg)
	l.store = live.New(ctx, l.client, live.Options{Health: healthOf})
	l.store.Subscribe(func(e live.Event) { l.events <- e })
	l.applier = apply.New(l.client, apply.Options{})
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())) + "-" + time.Now().Format("150405")
	l.release = model.Release{
		ID: model.ReleaseID{Kind: model.KindHelmRelease, Namespace: "fleet", Name: name}, Name: name, Namespace: name,
		CreateNamespace: true, Policy: model.Policy{Prune: true},
	}
	must(t, l.store.Ensure(ctx, kindsOf("v1 Namespace", "v1 Secret", "v1 ConfigMap", "v1 Service", "v1 ServiceAccount", "apps/v1 Deployment")...))
	l.sync("")
	return l
}

func healthOf(gvk schema.GroupVersionKind) live.HealthFunc {
	if !health.HasRule(gvk.Group, gvk.Kind) {
		return nil
	}
	return func(u *unstructured.Unstructured) model.Health { return health.Of(u.Object) }
}

func kindsOf(words ...string) []schema.GroupVersionKind {
	out := make([]schema.GroupVersionKind, 0, len(words))
	for _, w := range words {
		gv, kind, _ := strings.Cut(w, " ")
		out = append(out, schema.FromAPIVersionAndKind(gv, kind))
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// plan is what the line would do to get to the manifests.
func (l *line) plan(manifests string) (model.Plan, error) {
	l.t.Helper()
	prepared, err := plan.Prepare(l.release, objects(l.t, manifests), func(group, version, kind string) (bool, error) {
		return l.client.Scope(l.ctx, schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	})
	if err != nil {
		return model.Plan{}, err
	}
	keys := plan.Keys(l.release, prepared, l.inventory)
	gvks := make([]schema.GroupVersionKind, 0, len(prepared))
	for _, o := range prepared {
		gvks = append(gvks, schema.GroupVersionKind{Group: o.Key.Group, Version: o.Version, Kind: o.Key.Kind})
	}
	must(l.t, l.store.Ensure(l.ctx, gvks...))
	seen, err := l.store.Observe(l.release.ID.Label(), keys)
	must(l.t, err)
	return plan.Make(plan.Input{
		Release: l.release, Desired: prepared, Live: seen, Inventory: l.inventory, Prune: l.release.Policy.Prune,
	})
}

// run plans and executes, as the pipeline does.
func (l *line) run(manifests string) (model.Plan, []model.Result, error) {
	l.t.Helper()
	done := l.store.Hold(l.release.ID.Label())
	defer done()
	for len(l.events) > 0 {
		<-l.events // what was told before this run is answered by it
	}
	p, err := l.plan(manifests)
	if err != nil {
		return p, nil, err
	}
	results, err := l.applier.Execute(l.ctx, p, func(r model.Result) { l.store.Applied(l.release.ID.Label(), r) })
	l.inventory = plan.Inventory(l.inventory, results)
	l.store.Expect(l.release.ID.Label(), l.inventory)
	return p, results, err
}

// sync is a run that must succeed; it returns the actions by object and the requests it cost.
func (l *line) sync(manifests string) (actions map[string]model.Action, requests []string) {
	l.t.Helper()
	l.count.take()
	_, results, err := l.run(manifests)
	must(l.t, err)
	actions = map[string]model.Action{}
	for _, r := range results {
		actions[r.Change.Key.Short()] = r.Change.Action
	}
	return actions, l.count.take()
}

// objects reads YAML documents.
func objects(t *testing.T, manifests string) []model.Object {
	t.Helper()
	var out []model.Object
	line := 1
	for _, doc := range strings.Split(manifests, "\n---\n") {
		at := line
		line += strings.Count(doc, "\n") + 2
		if strings.TrimSpace(doc) == "" {
			continue
		}
		body, err := yaml.YAMLToJSON([]byte(doc))
		must(t, err)
		var u unstructured.Unstructured
		must(t, json.Unmarshal(body, &u.Object))
		gvk := u.GroupVersionKind()
		out = append(out, model.Object{
			Key:     model.ObjectKey{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()},
			Version: gvk.Version, Body: body, Digest: model.Digest(body), Origin: model.Origin{File: "app.yaml", Line: at},
		})
	}
	return out
}

// fence makes an object of every kind the tests change that the watches tell of.
func (l *line) fence() map[model.ObjectKey]bool {
	l.t.Helper()
	fences := map[model.ObjectKey]bool{}
	name := "fence-" + time.Now().Format("150405") + "-" + strconv.Itoa(rand.IntN(1e6))
	label := `"labels":{"` + model.LabelRelease + `":"fence"}`
	for kind, spec := range map[string]string{
		"v1 ConfigMap": `"data":{}`,
		"v1 Service":   `"spec":{"ports":[{"port":1}]}`,
		"apps/v1 Deployment": `"spec":{"replicas":0,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},` +
			`"spec":{"containers":[{"name":"a","image":"a"}]}}}`,
	} {
		gvk := kindsOf(kind)[0]
		body := `{"apiVersion":"` + gvk.GroupVersion().String() + `","kind":"` + gvk.Kind + `","metadata":{"name":"` + name + `",` + label + `},` + spec + `}`
		_, err := l.client.Apply(l.ctx, gvk, l.release.Namespace, name, []byte(body), kube.ApplyOptions{Manager: "fence"})
		must(l.t, err)
		fences[model.ObjectKey{Group: gvk.Group, Kind: gvk.Kind, Namespace: l.release.Namespace, Name: name}] = true
	}
	return fences
}
