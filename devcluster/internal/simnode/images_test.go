package simnode

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
)

func TestPull(t *testing.T) {
	asked := 0
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path != "/v2/shop/api/manifests/1" {
			http.NotFound(w, r)
		}
	}))
	defer registry.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	i := newImages(map[string]string{"registry.local:5000": registry.URL, "gone.local:5000": gone.URL})
	tests := []struct {
		image, reason, message string
	}{
		{"registry.local:5000/shop/api:1", "", ""},
		{"registry.local:5000/shop/api:2", reasonPullError, "registry.local:5000/shop/api:2: not found"},
		{"registry.local:5000/shop/api", reasonPullError, `failed to resolve reference "registry.local:5000/shop/api:latest"`},
		{"gone.local:5000/shop/api:1", reasonPullError, "rpc error: code = Unavailable desc = failed to pull and unpack image"},
		{"nginx:does-not-exist", "", ""},
		{"Not An Image", reasonInvalidImage, "couldn't parse image name"},
	}
	for _, test := range tests {
		t.Run(test.image, func(t *testing.T) {
			fault, failed := i.pull(context.Background(), test.image, v1.PullIfNotPresent)
			if failed != (test.reason != "") || fault.reason != test.reason || !strings.Contains(fault.message, test.message) {
				t.Errorf("got %v %+v, want %q with %q", failed, fault, test.reason, test.message)
			}
		})
	}
	before := asked
	i.pull(context.Background(), "registry.local:5000/shop/api:1", v1.PullIfNotPresent)
	if asked != before {
		t.Error("an image that is on the node was looked up again")
	}
}
