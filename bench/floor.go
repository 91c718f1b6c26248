package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// floor is a bare client that sends only the writes the work needs, and knows beforehand which: for
// a release four server-side applies side by side, then a Secret of the size of a Helm record and a
// status. It waits for nobody, not even for Kubernetes to have seen a Deployment.
type floor struct {
	w      *world
	client dynamic.Interface
	record string

	mu      sync.Mutex
	version map[int]int
}

var secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

// recordBytes is what Helm's record of a release of the chart takes, about.
const recordBytes = 2200

func newFloor() *floor { return &floor{version: map[int]int{}} }

// Name is how tables call it.
func (f *floor) Name() string { return floorName }

// Start installs the kind whose status is written. The client is one of its own, so that its
// requests count as a subject's.
func (f *floor) Start(ctx context.Context, w *world) error {
	f.w = w
	random := make([]byte, recordBytes)
	_, _ = rand.Read(random) // never fails; crypto/rand
	f.record = fmt.Sprintf("%x", random)[:recordBytes]
	cfg, err := clientcmd.BuildConfigFromFlags("", w.kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS = -1
	if f.client, err = dynamic.NewForConfig(cfg); err != nil {
		return err
	}
	if err := installCRDs(ctx, w); err != nil {
		return err
	}
	return warm(ctx, w, helmReleases, helmRelease(w.fleet, 0))
}

// Restart has nothing to start: what is alive of a bare client is one list of each kind.
func (f *floor) Restart(ctx context.Context) error {
	for _, gvr := range append(kinds[:len(kinds):len(kinds)], secrets, helmReleases) {
		if _, err := f.client.Resource(gvr).Namespace(namespace).List(ctx, metav1.ListOptions{}); err != nil {
			return err
		}
	}
	return f.Repair(ctx, 0)
}

// Kill has nothing to end.
func (f *floor) Kill() {}

// Processes are none of its own: it lives in this one.
func (f *floor) Processes() []int { return nil }

// Repairs is true: a repair is one apply.
func (f *floor) Repairs() bool { return true }

// Renders says that nothing is rendered.
func (f *floor) Renders(context.Context) (int64, error) { return 0, nil }

// floorParallel is how many releases are written at once.
const floorParallel = 16

// Request makes the requests themselves, as for every subject, and does the work.
func (f *floor) Request(ctx context.Context, n int) error {
	return each(ctx, n, floorParallel, func(ctx context.Context, i int) error {
		if err := createRequest(ctx, f.w, helmReleases, helmRelease(f.w.fleet, i)); err != nil {
			return err
		}
		return f.put(ctx, i, len(kinds))
	})
}

// Ready has nothing to wait for: what was written is done.
func (f *floor) Ready(context.Context, int) error { return nil }

// Pushed writes what the commit changed in each release it touched: one object, a record, a status.
func (f *floor) Pushed(ctx context.Context, touched []int) error {
	return each(ctx, len(touched), floorParallel, func(ctx context.Context, k int) error { return f.put(ctx, touched[k], 1) })
}

// Repair writes the object that was changed.
func (f *floor) Repair(ctx context.Context, i int) error {
	name := releaseName(i)
	return f.patch(ctx, kinds[0], name, types.ApplyPatchType, manifests(name, f.w.fleet.messages[i], f.w.fleet.edition)[0])
}

// put writes the first objects of a release, its record and its status.
func (f *floor) put(ctx context.Context, i, objects int) error {
	f.mu.Lock()
	f.version[i]++
	version := f.version[i]
	f.mu.Unlock()
	name := releaseName(i)
	bodies := manifests(name, f.w.fleet.messages[i], f.w.fleet.edition)[:objects]
	err := each(ctx, objects, objects, func(ctx context.Context, k int) error {
		return f.patch(ctx, kinds[k], name, types.ApplyPatchType, bodies[k])
	})
	if err != nil {
		return err
	}
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
		"metadata":   map[string]any{"name": fmt.Sprintf("sh.helm.release.v1.%s.v%d", name, version)},
		"stringData": map[string]any{"release": f.record},
	}}
	if _, err := f.client.Resource(secrets).Namespace(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	status := map[string]any{"status": map[string]any{"phase": "Succeeded", "revision": f.w.fleet.head, "conditions": []any{
		map[string]any{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "done"},
	}}}
	_, err = f.client.Resource(helmReleases).Namespace(namespace).Patch(ctx, name, types.MergePatchType, encode(status), metav1.PatchOptions{}, "status")
	return err
}

func (f *floor) patch(ctx context.Context, gvr schema.GroupVersionResource, name string, kind types.PatchType, body map[string]any) error {
	force := true
	_, err := f.client.Resource(gvr).Namespace(namespace).Patch(ctx, name, kind, encode(body), metav1.PatchOptions{FieldManager: "floor", Force: &force})
	return err
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return data
}

// kinds are those of the chart, in the order of manifests.
var kinds = []schema.GroupVersionResource{
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "serviceaccounts"},
	{Version: "v1", Resource: "services"},
	{Group: "apps", Version: "v1", Resource: "deployments"},
}

// manifests are the objects of the chart, as it renders.
func manifests(name, message, edition string) []map[string]any {
	labels := map[string]any{"app.kubernetes.io/name": "podinfo", "app.kubernetes.io/instance": name}
	meta := map[string]any{"name": name, "labels": labels}
	probe := func(path string) map[string]any {
		return map[string]any{"httpGet": map[string]any{"path": path, "port": "http"}}
	}
	container := map[string]any{
		"name": "podinfo", "image": "example.com/podinfo:1.0.0",
		"ports":         []any{map[string]any{"name": "http", "containerPort": 9898, "protocol": "TCP"}},
		"livenessProbe": probe("/healthz"), "readinessProbe": probe("/readyz"),
		"resources": map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "32Mi"}, "limits": map[string]any{"memory": "64Mi"}},
	}
	return []map[string]any{
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": map[string]any{"message": message, "edition": edition}},
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
		{"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": map[string]any{
			"selector": labels, "ports": []any{map[string]any{"name": "http", "port": 9898, "targetPort": "http", "protocol": "TCP"}},
		}},
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": map[string]any{
			"replicas": 0, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{
				"serviceAccountName": name, "containers": []any{container},
			}},
		}},
	}
}

// each runs work for 0 to n-1, some at once, and gives the first error.
func each(ctx context.Context, n, parallel int, work func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(parallel, n) {
		group.Go(func() {
			for i := range next {
				if err := work(ctx, i); err != nil {
					cancel(fmt.Errorf("release %d: %w", i, err))
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}
