package follow

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// workloads are the kinds that a rollout waits for longest.
var workloads = []schema.GroupVersionResource{
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "apps", Version: "v1", Resource: "daemonsets"},
	{Group: "batch", Version: "v1", Resource: "jobs"},
}

// follow tells how the workloads of a release do, by watch, until ctx is done. It is for show: a
// kind that may not be read is not shown, and decides nothing.
func follow(ctx context.Context, client dynamic.Interface, id model.ReleaseID, tell func(model.ObjectKey, *model.Health)) {
	opts := metav1.ListOptions{LabelSelector: model.LabelRelease + "=" + id.Label()}
	for _, gvr := range workloads {
		go func() {
			for ctx.Err() == nil {
				w, err := client.Resource(gvr).Watch(ctx, opts)
				if err != nil {
					return
				}
				pass(w, tell)
				select {
				case <-ctx.Done():
				case <-time.After(time.Second): // the server ends watches now and then
				}
			}
		}()
	}
}

func pass(w watch.Interface, tell func(model.ObjectKey, *model.Health)) {
	defer w.Stop()
	for e := range w.ResultChan() {
		u, ok := e.Object.(*unstructured.Unstructured)
		if !ok {
			return
		}
		key := model.ObjectKey{Group: u.GroupVersionKind().Group, Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}
		if e.Type == watch.Deleted {
			tell(key, nil)
			continue
		}
		h := health.Of(u.Object)
		tell(key, &h)
	}
}
