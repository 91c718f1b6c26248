package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/chart/trial"
	"github.com/fairlead-cd/fairlead/internal/cli"
	charttest "github.com/fairlead-cd/fairlead/internal/cli/chart/test"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/local"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// chartTest makes the command with renderers in workers of their own and the way to a cluster.
func chartTest(f *cli.Factory, e env) *cobra.Command {
	return charttest.NewCmdTest(f, openRenderers, func(ctx context.Context, choice, namespace string) (check.Server, func() error, string, error) {
		return trialServer(ctx, f, e, choice, namespace)
	}, nil)
}

// openRenderers renders charts below root, in as many workers as there are processors.
func openRenderers(root string) (check.Render, func()) {
	none := func(err error) (check.Render, func()) {
		return func(context.Context, model.Release, model.Artifact, model.Capabilities) (model.Rendered, error) {
			return model.Rendered{}, err
		}, func() {}
	}
	self, err := os.Executable()
	if err != nil {
		return none(fmt.Errorf("finding this program: %w", err))
	}
	all := make([]*render.Renderer, max(1, min(runtime.GOMAXPROCS(0), maxRenderers)))
	free := make(chan *render.Renderer, len(all))
	for i := range all {
		all[i] = render.New(render.Options{Worker: []string{self, "render-worker"}, Roots: []string{root}, MaxWorkers: 1, Brief: true})
		all[i].Prepare()
		free <- all[i]
	}
	draw := func(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities) (model.Rendered, error) {
		r := <-free
		defer func() { free <- r }()
		return r.Render(ctx, rel, a, caps, render.RenderOptions{})
	}
	return draw, func() {
		for _, r := range all {
			_ = r.Close() // its workers end with this process at the latest
		}
	}
}

// maxRenderers bounds the workers of one command: each takes memory of its own.
const maxRenderers = 4

// trialServer finds the API server that a chart is tried on.
func trialServer(ctx context.Context, f *cli.Factory, e env, choice, namespace string) (check.Server, func() error, string, error) {
	nothing := func() error { return nil }
	running := false
	if info, err := local.Read(e.StateDir); err == nil && info.Ready {
		running = true
	}
	bin, binErr := devclusterBinary()
	switch {
	case choice == charttest.ClusterNone:
		return nil, nothing, "none was asked (--cluster)", nil
	case choice == charttest.ClusterCurrent:
		s, end, err := currentServer(f, "the cluster of the kubeconfig", namespace)
		return s, end, "", err
	case running:
		s, end, err := localServer(f, e)
		return s, end, "", err
	case choice == charttest.ClusterEmbedded && binErr != nil:
		return nil, nothing, "", binErr
	case choice == charttest.ClusterEmbedded, e.Output.InCI() && binErr == nil:
		s, end := embeddedServer(ctx, f, bin)
		return s, end, "", nil
	}
	return nil, nothing, "none was asked: --cluster embedded starts one, --cluster current asks the kubeconfig's", nil
}

func devclusterBinary() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return local.Binary(self)
}

func currentServer(f *cli.Factory, label, namespace string) (check.Server, func() error, error) {
	c, err := f.Cluster()
	if err != nil {
		return nil, nil, err
	}
	s := trialOn(c, label)
	s.Namespace = namespace
	return s, s.Close, nil
}

func trialOn(c *cli.Cluster, label string) *trial.Server {
	return &trial.Server{Typed: c.Typed, Dynamic: c.Dynamic, Mapper: c.Mapper(), Label: label}
}

// localServer is the cluster that `fairlead up` runs.
func localServer(f *cli.Factory, e env) (check.Server, func() error, error) {
	s, err := serverAt(f, e.localKubeconfig(), "the cluster of fairlead up")
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

func serverAt(f *cli.Factory, kubeconfig, label string) (*trial.Server, error) {
	cfg, err := kube.Config(kubeconfig, "")
	if err != nil {
		return nil, err
	}
	// The server's warnings are findings of their own.
	c, err := cli.NewCluster(cfg, "fairlead/"+f.Build.Version, io.Discard)
	if err != nil {
		return nil, err
	}
	return trialOn(c, label), nil
}

// embeddedServer starts a cluster without a node beside the renders, and ends it.
func embeddedServer(ctx context.Context, f *cli.Factory, bin string) (check.Server, func() error) {
	var cluster *testkit.Cluster
	later := trial.Start("the embedded cluster", func() (*trial.Server, error) {
		var err error
		if cluster, err = testkit.StartCluster(ctx, testkit.ClusterOptions{Bin: bin, Node: "none"}); err != nil {
			return nil, err
		}
		return serverAt(f, cluster.Kubeconfig, "the embedded cluster")
	})
	return later, func() error {
		err := later.Close()
		if cluster != nil {
			cluster.Stop()
		}
		return err
	}
}
