package app

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/apply"
	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	applycmd "github.com/fairlead-cd/fairlead/internal/cli/apply"
	deploycmd "github.com/fairlead-cd/fairlead/internal/cli/deploy"
	"github.com/fairlead-cd/fairlead/internal/cli/uninstall"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/record"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// deployCommands deploy from where they run, without a controller.
func deployCommands(f *cli.Factory, e env) []*cobra.Command {
	return []*cobra.Command{
		deploycmd.NewCmdDeploy(f, chartDeployer(f, e), nil),
		applycmd.NewCmdApply(f, manifestDeployer(f, e), nil),
		uninstall.NewCmdUninstall(f, nil),
	}
}

// wireDeployments gives all commands what some of them deploy with.
func wireDeployments(f *cli.Factory, e env) {
	f.Deployer = func(ctx context.Context) (*deploy.Deployer, func(), error) {
		return newDeployer(ctx, f, e, opened{err: errNoSource}, nil)
	}
}

// chartDeployer opens a chart and makes what deploys it.
func chartDeployer(f *cli.Factory, e env) deploycmd.OpenFunc {
	charts := openCharts(e)
	return func(ctx context.Context, ask open.Ask) (*deploy.Deployer, func(), error) {
		c, err := charts()
		if err != nil {
			return nil, nil, err
		}
		d, done, err := deployerOf(ctx, f, e, c, ask)
		if err != nil {
			_ = c.Close()
			return nil, nil, err
		}
		return d, func() { done(); _ = c.Close() }, nil
	}
}

func deployerOf(ctx context.Context, f *cli.Factory, e env, c *open.Charts, ask open.Ask) (*deploy.Deployer, func(), error) {
	if err := c.Prepare(); err != nil {
		return nil, nil, err
	}
	artifact, err := c.Open(ctx, ask)
	if err != nil {
		return nil, nil, err
	}
	r, err := c.Renderer()
	if err != nil {
		return nil, nil, err
	}
	return newDeployer(ctx, f, e, opened{artifact: artifact}, &rendering{Renderer: r})
}

// newDeployer wires the line for one run: the same as a controller's, but for watches that stay in
// the namespaces it deploys to.
func newDeployer(ctx context.Context, f *cli.Factory, e env, source opened, renderer *rendering) (*deploy.Deployer, func(), error) {
	cluster, err := f.Cluster()
	if err != nil {
		return nil, nil, err
	}
	client, err := kube.NewClient(cluster.Config, kube.Options{})
	if err != nil {
		return nil, nil, err
	}
	typed, err := kube.NewTyped(client.RESTConfig(), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client: %w", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // watches end last
	records := record.NewStore(typed.CoreV1().RESTClient(), time.Now)
	if renderer == nil {
		renderer = &rendering{Renderer: render.New(render.Options{})}
	}
	recorder := pipeline.HelmRecorder{Store: records, Objects: helm.Recorded, HookObjects: helm.RecordedHooks}
	renderer.LookInto(lookUpIn(client, deployerNext))
	d := &deploy.Deployer{
		Line: &pipeline.Line{
			Source: source, Render: renderer, Cluster: client,
			Live:   live.New(ctx, client, live.Options{Health: healthOf, Scoped: true}),
			Apply:  apply.New(client, apply.Options{}),
			Health: health.NewWaiter(health.NewCluster(typed, cluster.Dynamic, cluster.Mapper()), health.DefaultRules()),
			Records: map[model.Kind]pipeline.Recorder{
				model.KindHelm: recorder, model.KindManifests: recorder,
			},
			Now: time.Now,
		},
		Records: records, Cluster: client, Now: time.Now, Holder: holder(f, e), Dead: thisMachine(procDir).isDead, Say: f.IO.Say,
	}
	return d, stop, nil
}

// opened is a source that was read already.
type opened struct {
	artifact model.Artifact
	err      error
}

var errNoSource = &model.Error{Kind: model.ErrInvalid, Reason: "NoSource", Msg: "this run has no source"}

// Fetch gives the one artifact there is.
func (o opened) Fetch(context.Context, model.Ref) (model.Artifact, error) { return o.artifact, o.err }

// Open is Fetch.
func (o opened) Open(context.Context, model.Ref) (model.Artifact, error) { return o.artifact, o.err }

// rendering keeps what was rendered: a run is planned, shown, and then planned again.
type rendering struct {
	*render.Renderer
	mu   sync.Mutex
	kept map[render.RenderOptions]model.Rendered
}

// Render renders once for each set of options: a run has one release and one artifact.
func (r *rendering) Render(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities, o render.RenderOptions) (model.Rendered, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept, ok := r.kept[o]; ok {
		return kept, nil
	}
	out, err := r.Renderer.Render(ctx, rel, a, caps, o)
	if err == nil {
		if r.kept == nil {
			r.kept = map[render.RenderOptions]model.Rendered{}
		}
		r.kept[o] = out
	}
	return out, err
}

// holder says who deploys, for others that want the same release meanwhile.
func holder(f *cli.Factory, e env) record.Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown machine"
	}
	who := host
	if f.User != "" {
		who = f.User + " on " + host
	}
	return record.Holder{Who: who, Job: e.Job, Proc: thisMachine(procDir).process(os.Getpid())}
}
