package live_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestScopedStoreStaysInItsNamespaces asks for one namespace: nothing is sent to any other, and what is
// there is told.
func TestScopedStoreStaysInItsNamespaces(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	other.ns = w.ns + "-other"
	_, err := w.good.Apply(w.ctx, schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", other.ns,
		[]byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+other.ns+`"}}`), kube.ApplyOptions{Manager: "test"})
	must(t, err)
	var mu sync.Mutex
	var paths []string
	cfg := w.good.RESTConfig()
	client, err := kube.NewClient(cfg, kube.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if isWatch(r) {
				mu.Lock()
				paths = append(paths, r.URL.Path+"?"+r.URL.Query().Get("labelSelector"))
				mu.Unlock()
			}
			return next.RoundTrip(r)
		})
	}})
	must(t, err)
	w.store = live.New(w.ctx, client, live.Options{Scoped: true})

	here, there := w.service("a", w.ns), other.service("a", w.ns)
	must(t, w.store.EnsureIn(w.ctx, live.Place{Kind: services, Namespace: w.ns}, live.Place{Kind: secrets, Namespace: w.ns}))
	if seen := w.observe(w.ns, here); len(seen) != 1 || seen[here].Release != w.ns {
		t.Errorf("seen %v", seen)
	}
	if _, err := w.store.Observe(w.ns, []model.ObjectKey{there}); err == nil {
		t.Error("something is known of a namespace that is not watched")
	}
	must(t, w.store.EnsureIn(w.ctx, live.Place{Kind: services, Namespace: other.ns}))
	if seen := w.observe(w.ns, here, there); len(seen) != 2 {
		t.Errorf("seen %v", seen)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, p := range paths {
		if !strings.HasPrefix(p, "/api/v1/namespaces/"+w.ns) || !strings.HasSuffix(p, "?"+model.LabelRelease) {
			t.Errorf("watched %s", p)
		}
	}
	if len(paths) != 3 {
		t.Errorf("watched %q", paths)
	}
}
