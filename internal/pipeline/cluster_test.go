package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/apply"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
	"github.com/fairlead-cd/fairlead/internal/render"
	documents "github.com/fairlead-cd/fairlead/internal/render/manifest"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var server = testkit.SharedCluster{Options: testkit.ClusterOptions{Node: "none"}}

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

var configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// world is a line to a real API server whose source and records are the test's.
type world struct {
	t       *testing.T
	line    *Line
	client  *kube.Client
	ns      string
	desired *model.Rendered
	records *notes
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", server.Get(t).Kubeconfig)
	must(t, err)
	client, err := kube.NewClient(cfg, kube.Options{})
	must(t, err)
	typed, err := kubernetes.NewForConfig(cfg)
	must(t, err)
	dyn, err := dynamic.NewForConfig(cfg)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	w := &world{t: t, client: client, desired: &model.Rendered{}, records: &notes{}, ns: strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))}
	w.line = &Line{
		Source: nowhere{}, Render: drawn{w.desired}, Cluster: client,
		Live:    live.New(ctx, client, live.Options{Health: func(schema.GroupVersionKind) live.HealthFunc { return nil }, Scoped: true}),
		Apply:   apply.New(client, apply.Options{}),
		Health:  health.NewWaiter(health.NewCluster(typed, dyn, nil), health.DefaultRules()),
		Records: map[model.Kind]Recorder{model.KindHelm: w.records}, Now: time.Now,
	}
	_, err = client.Apply(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", w.ns,
		fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, w.ns), kube.ApplyOptions{Manager: "test"})
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// objects reads manifests.
func (w *world) objects(text string) []model.Object {
	w.t.Helper()
	var all []model.Object
	for _, doc := range documents.Split([]byte(text)) {
		objects, err := documents.Decode(doc.Text, nil)
		must(w.t, err)
		all = append(all, objects...)
	}
	return all
}

// configMap is a hook or an object of a release.
func (w *world) configMap(name, finalizers string) model.Object {
	w.t.Helper()
	return w.objects(fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %q, finalizers: [%s]}\n", name, finalizers))[0]
}

func (w *world) hook(name, finalizers string, h model.Hook) model.Object {
	o := w.configMap(name, finalizers)
	o.Hook = &h
	return o
}

func (w *world) request(mode Mode) Request {
	return Request{Mode: mode, Release: model.Release{
		ID: model.ReleaseID{Kind: model.KindHelm, Namespace: w.ns, Name: "web"}, Name: "web", Namespace: w.ns,
		Policy: model.Policy{Prune: true},
	}}
}

// letGo takes the finalizers off an object, so that it can go.
func (w *world) letGo(name string) {
	_, err := w.client.Patch(context.Background(), configMaps, w.ns, name, "", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), "test")
	if err != nil && model.KindOf(err) != model.ErrNotFound {
		w.t.Error(err)
	}
}

func (w *world) exists(name string) bool {
	w.t.Helper()
	_, err := w.client.GetMeta(w.t.Context(), configMaps, w.ns, name)
	if err != nil && model.KindOf(err) != model.ErrNotFound {
		w.t.Fatal(err)
	}
	return err == nil
}

type nowhere struct{}

func (nowhere) Fetch(context.Context, model.Ref) (model.Artifact, error) {
	return model.Artifact{}, nil
}

func (nowhere) Open(context.Context, model.Ref) (model.Artifact, error) {
	return model.Artifact{}, nil
}

type drawn struct{ rendered *model.Rendered }

func (drawn) Inputs(model.Release, model.Artifact, model.Capabilities) (string, error) {
	return "inputs", nil
}

func (d drawn) Render(context.Context, model.Release, model.Artifact, model.Capabilities, render.RenderOptions) (model.Rendered, error) {
	return *d.rendered, nil
}

// notes keep what was recorded, and have another tool's revision.
type notes struct {
	written []record.Entry
	owned   model.Inventory
	hooks   []model.Object
	kept    []model.Object // of a revision's manifest; nil where that is lost
}

func (n *notes) Write(_ context.Context, e record.Entry, history []model.Record) (model.Record, error) {
	n.written = append(n.written, e)
	e.Record.Revision = len(history) + 1
	return e.Record, nil
}

func (n *notes) Amend(context.Context, model.Release, model.Record) error { return nil }

func (n *notes) Recorded(context.Context, model.Release, model.Record) (Desired, error) {
	if n.kept == nil {
		return Desired{}, errors.New("its source is gone")
	}
	return Desired{Rendered: model.Rendered{Objects: n.kept}}, nil
}

func (n *notes) Owned(context.Context, model.Release, model.Record) (model.Inventory, error) {
	return n.owned, nil
}

func (n *notes) Hooks(context.Context, model.Release, model.Record) ([]model.Object, error) {
	return n.hooks, nil
}

func (n *notes) Delete(context.Context, model.Release) error { return nil }
