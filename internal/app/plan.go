package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/config"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/local"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// planner runs a release's line up to its plan, in this process, with the controller's
// configuration: the same rewrites and credentials give the same plan.
func planner(f *cli.Factory, e env) func(context.Context, model.ReleaseID) (model.Plan, error) {
	return func(ctx context.Context, id model.ReleaseID) (model.Plan, error) {
		cluster, err := f.Cluster()
		if err != nil {
			return model.Plan{}, err
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the watches
		c, err := clusterConfig(ctx, cluster, e)
		if err != nil {
			return model.Plan{}, err
		}
		if c.CacheDir, err = os.MkdirTemp("", "fairlead-plan-"); err != nil {
			return model.Plan{}, fmt.Errorf("making a folder for sources: %w", err)
		}
		defer os.RemoveAll(c.CacheDir)
		w, err := wire(ctx, cluster.Config, c, e, slog.New(slog.DiscardHandler), around{})
		if err != nil {
			return model.Plan{}, err
		}
		defer w.Close()
		return w.reconciler.Plan(ctx, id)
	}
}

// configMapName and configKey are where charts/fairlead puts the controller's configuration.
const (
	configMapName = "fairlead"
	configKey     = "config.yaml"
)

// clusterConfig is the configuration of the controller of a cluster: the local installation's
// where the cluster is its own, else what charts/fairlead installed, else the defaults.
func clusterConfig(ctx context.Context, cluster *cli.Cluster, e env) (config.Config, error) {
	c, err := config.Load(filepath.Join(e.StateDir, local.ConfigFile))
	if err == nil && isLocal(cluster, e) {
		return c, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	typed, err := kube.NewTyped(cluster.Config, nil)
	if err != nil {
		return c, fmt.Errorf("making a client: %w", err)
	}
	cm, err := typed.CoreV1().ConfigMaps(config.DefaultNamespace).Get(ctx, configMapName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return config.Parse(nil) // not installed with the chart: what a bare controller has
	}
	if err != nil {
		return c, fmt.Errorf("reading the controller's configuration: %w", err)
	}
	return config.Parse([]byte(cm.Data[configKey]))
}

// isLocal reports whether a cluster is the one that `fairlead up` made.
func isLocal(cluster *cli.Cluster, e env) bool {
	cfg, err := kube.Config(e.localKubeconfig(), "")
	return err == nil && cfg.Host == cluster.Config.Host
}
