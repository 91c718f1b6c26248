package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// namespace is where all releases are deployed.
const namespace = "bench"

// world is what one subject meets with one number of releases: a fresh cluster and a fresh fleet.
type world struct {
	dir        string
	kubeconfig string
	cluster    *testkit.Cluster
	fleet      *fleet
	typed      kubernetes.Interface
	dynamic    dynamic.Interface
	sent       *counter
	logs       string // where logs of peers stay; empty throws them away

	configMaps *board // data.message and data.edition of what is live
	stops      []func()
}

// newWorld starts a cluster without nodes: Deployments at 0 replicas need none.
func newWorld(ctx context.Context, o options, n int) (w *world, err error) {
	w = &world{sent: &counter{seen: Requests{}}, logs: o.logs}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if w.dir, err = os.MkdirTemp(o.dir, "world-"); err != nil {
		return w, err
	}
	var stop func()
	if w.fleet, stop, err = newFleet(ctx, w.dir, n); err != nil {
		return w, err
	}
	w.stops = append(w.stops, stop)
	clusterDir := filepath.Join(w.dir, "cluster")
	w.stops = append(w.stops, func() { _ = os.RemoveAll(clusterDir) }) // few files, but large
	w.cluster, err = testkit.StartCluster(ctx, testkit.ClusterOptions{Bin: o.devcluster, Dir: clusterDir, Node: "none"})
	if err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.cluster.Stop)
	w.kubeconfig = w.cluster.Kubeconfig
	if err = w.connect(); err != nil {
		return w, err
	}
	_, err = w.typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return w, err
	}
	w.configMaps, err = w.watch(ctx, schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, func(u *unstructured.Unstructured) string {
		message, _, _ := unstructured.NestedString(u.Object, "data", "message")
		edition, _, _ := unstructured.NestedString(u.Object, "data", "edition")
		return live(message, edition)
	})
	return w, err
}

// live is how a release's ConfigMap shows on the board.
func live(message, edition string) string { return message + " / " + edition }

// connect makes clients that are not slowed down by themselves, and are counted.
func (w *world) connect() error {
	cfg, err := clientcmd.BuildConfigFromFlags("", w.kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS, cfg.UserAgent = -1, "bench"
	w.sent.wrap(cfg)
	if w.typed, err = kubernetes.NewForConfig(cfg); err != nil {
		return err
	}
	w.dynamic, err = dynamic.NewForConfig(cfg)
	return err
}

// Close ends all of it, in the reverse order.
func (w *world) Close() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
}

// apply writes objects of any kind.
func (w *world) apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	for _, u := range objects {
		gvr, namespaced, err := w.resource(u)
		if err != nil {
			return err
		}
		if namespaced && u.GetNamespace() == "" {
			u.SetNamespace(namespace)
		}
		_, err = w.dynamic.Resource(gvr).Namespace(u.GetNamespace()).Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "bench", Force: true})
		if err != nil {
			return fmt.Errorf("applying %s %s: %w", u.GetKind(), u.GetName(), err)
		}
	}
	return nil
}

// resource asks the server for the resource of an object's kind, and whether it is in namespaces.
func (w *world) resource(u *unstructured.Unstructured) (schema.GroupVersionResource, bool, error) {
	gvk := u.GroupVersionKind()
	list, err := w.typed.Discovery().ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil {
		return schema.GroupVersionResource{}, false, fmt.Errorf("looking up kind %s: %w", gvk.Kind, err)
	}
	for i := range list.APIResources {
		if r := &list.APIResources[i]; r.Kind == gvk.Kind && !isSub(r.Name) {
			return gvk.GroupVersion().WithResource(r.Name), r.Namespaced, nil
		}
	}
	return schema.GroupVersionResource{}, false, fmt.Errorf("looking up kind %s: the server does not know it", gvk.Kind)
}

func isSub(resource string) bool { return filepath.Base(resource) != resource }
