package kube

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestGetUpTo: an answer is whole or an error, and one without an end is not read to it.
func TestGetUpTo(t *testing.T) {
	answer := `{"kind":"PodList","items":[]}`
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/some/pods", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
	mux.HandleFunc("GET /api/v1/pods", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat(" ", 1<<16))); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("GET /api/v1/namespaces/none/pods", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"the server could not find the requested resource","code":404}`))
	})
	mux.HandleFunc("GET /api/v1/namespaces/broken/pods", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(answer))
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	c, err := NewClient(&rest.Config{Host: s.URL}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	pod := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	c.Learn(pod, Mapping{Resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, Namespaced: true})
	size := int64(len(answer))
	for name, tt := range map[string]struct {
		namespace string
		limit     int64
		kind      model.ErrorKind
		reason    string
	}{
		"as much as may be": {"some", size, "", ""},
		"one byte more":     {"some", size - 1, model.ErrInvalid, ReasonTooLarge},
		"without end":       {"", 1 << 20, model.ErrInvalid, ReasonTooLarge},
		"no such kind":      {"none", size, model.ErrInvalid, ReasonUnknownKind},
		"cut off":           {"broken", size, model.ErrTransient, ReasonUnreachable},
	} {
		got, err := c.GetUpTo(t.Context(), pod, tt.namespace, "", tt.limit)
		if model.KindOf(err) != tt.kind || model.ReasonOf(err, "") != tt.reason || err == nil && string(got) != answer || err != nil && got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
