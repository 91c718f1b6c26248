package app

import (
	"context"
	"fmt"
	"os"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/registry"
	"github.com/fairlead-cd/fairlead/internal/source"
)

// openCharts gives commands what opens and renders charts. Whoever calls it closes it.
func openCharts(e env) func() (*open.Charts, error) {
	return func() (*open.Charts, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
		return open.New(open.Options{
			Worker: []string{self, "render-worker"}, Proxy: source.ProxyFunc(e.Proxy),
			Credential: func(ctx context.Context, host string) (*model.Auth, error) {
				return registry.DockerCredential(ctx, e.RegistryConfigs, host)
			},
		}), nil
	}
}
