package scheduler

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// Options is what the scheduler is told.
type Options struct {
	// Dir is where its configuration file is written.
	Dir string
	// Kubeconfig acts as system:kube-scheduler.
	Kubeconfig string
}

// The client's rate is raised like the controller-manager's.
const configuration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: %q
  qps: 300
  burst: 600
leaderElection:
  leaderElect: false
profiles:
- schedulerName: default-scheduler
  plugins:
    multiPoint:
      enabled:
      - name: %s
`

// Run schedules until ctx ends. The API server must be serving by then.
func Run(ctx context.Context, o Options) error {
	path := filepath.Join(o.Dir, "scheduler.yaml")
	content := fmt.Sprintf(configuration, o.Kubeconfig, pluginName)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return fmt.Errorf("writing kube-scheduler configuration: %w", err)
	}
	s := options.NewOptions()
	flags := pflag.NewFlagSet("kube-scheduler", pflag.ContinueOnError)
	for _, set := range s.Flags.FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse([]string{"--config=" + path, "--secure-port=0"}); err != nil {
		return fmt.Errorf("parsing kube-scheduler flags: %w", err)
	}
	if err := s.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("setting feature gates: %w", err)
	}
	config, scheduler, err := app.Setup(ctx, s, app.WithPlugin(pluginName, newPlugin))
	if err != nil {
		return fmt.Errorf("configuring kube-scheduler: %w", err)
	}
	if err := app.Run(ctx, config, scheduler); err != nil && ctx.Err() == nil {
		return fmt.Errorf("running kube-scheduler: %w", err)
	}
	return nil
}
