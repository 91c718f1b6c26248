package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/registry"
)

// openCharts gives commands what opens and renders charts. Whoever calls it closes it.
func openCharts(e env) func() (*open.Charts, error) {
	return func() (*open.Charts, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
		return open.New(open.Options{
			Worker: []string{self, "render-worker"}, Proxy: proxyOf(e.Proxy),
			Credential: func(ctx context.Context, host string) (*model.Auth, error) {
				return registry.DockerCredential(ctx, e.RegistryConfigs, host)
			},
		}), nil
	}
}

// proxyOf reads proxy settings written as "KEY=value".
func proxyOf(settings []string) func(*http.Request) (*url.URL, error) {
	get := func(name string) string {
		for _, kv := range settings {
			if k, v, _ := strings.Cut(kv, "="); strings.EqualFold(k, name) {
				return v
			}
		}
		return ""
	}
	c := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	proxy := c.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
}
