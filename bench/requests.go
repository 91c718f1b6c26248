package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
)

// Requests counts requests by verb and resource: "APPLY deployments", "PATCH helmreleases/status".
type Requests map[string]int64

// Total is how many there were, without those that only hold a connection open or a lease.
func (r Requests) Total() int64 {
	var sum int64
	for what, n := range r {
		if !isRest(what) {
			sum += n
		}
	}
	return sum
}

// isRest reports whether a request is what a controller may do while nothing happens.
func isRest(what string) bool {
	return strings.HasPrefix(what, "WATCH ") || strings.HasSuffix(what, " leases")
}

// minus leaves what came on top of other.
func (r Requests) minus(other Requests) Requests {
	left := Requests{}
	for what, n := range r {
		if n -= other[what]; n > 0 {
			left[what] = n
		}
	}
	return left
}

// served is what the API server has answered so far, by its own metrics.
func (w *world) served(ctx context.Context) (Requests, error) {
	body, err := w.typed.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	all := Requests{}
	for _, m := range families["apiserver_request_total"].GetMetric() {
		l := labels(m)
		if l["resource"] == "" {
			continue // health, metrics, discovery
		}
		what := l["verb"] + " " + l["resource"]
		if l["subresource"] != "" {
			what += "/" + l["subresource"]
		}
		all[what] += int64(m.GetCounter().GetValue())
	}
	return all, nil
}

func labels(m *dto.Metric) map[string]string {
	l := map[string]string{}
	for _, p := range m.GetLabel() {
		l[p.GetName()] = p.GetValue()
	}
	return l
}

// counter counts what this program itself sends, so that it can be taken off.
type counter struct {
	mu   sync.Mutex
	seen Requests
}

// wrap counts the requests of a client.
func (c *counter) wrap(cfg *rest.Config) {
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if what := describe(r); what != "" {
				c.mu.Lock()
				c.seen[what]++
				c.mu.Unlock()
			}
			return next.RoundTrip(r)
		})
	})
}

func (c *counter) read() Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// describe names a request as the API server's metrics do.
func describe(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return ""
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	verb := r.Method
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Get("watch") != "":
		verb = "WATCH"
	case r.Method == http.MethodGet && len(parts) == 1:
		verb = "LIST"
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/apply-patch"):
		verb = "APPLY"
	}
	what := verb + " " + parts[0]
	if len(parts) > 2 {
		what += "/" + parts[2]
	}
	return what
}
