package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/fairlead-cd/fairlead/internal/apply"
	"github.com/fairlead-cd/fairlead/internal/cli"
	controllercmd "github.com/fairlead-cd/fairlead/internal/cli/controller"
	"github.com/fairlead-cd/fairlead/internal/config"
	"github.com/fairlead-cd/fairlead/internal/controller"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	releases "github.com/fairlead-cd/fairlead/internal/record"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
	"github.com/fairlead-cd/fairlead/internal/resident"
	"github.com/fairlead-cd/fairlead/internal/server"
	"github.com/fairlead-cd/fairlead/internal/server/webhook"
	"github.com/fairlead-cd/fairlead/internal/source"
)

// runController runs the controller until ctx ends.
func runController(ctx context.Context, f *cli.Factory, e env, o *controllercmd.Options) error {
	c := o.Config
	if c.CacheDir == "" {
		c.CacheDir = filepath.Join(e.StateDir, "cache", "controller")
	}
	log := slog.New(slog.NewTextHandler(f.IO.Err, &slog.HandlerOptions{Level: logLevel(o.Verbosity)}))
	klog.SetSlogLogger(log) // what client-go says of the lease, of watches
	cfg, err := kube.Config(f.Global.Kubeconfig, f.Global.Context)
	if err != nil {
		return err
	}
	cfg.UserAgent = "fairlead-controller/" + f.Build.Version
	events, stopEvents, err := newEvents(cfg)
	if err != nil {
		return err
	}
	defer stopEvents()
	own := resident.Own()
	var leader leadership
	w, err := wire(ctx, cfg, c, e, log, around{events: events, metrics: prometheus.DefaultRegisterer, quiet: own.Trim, leads: leader.Held})
	if err != nil {
		return err
	}
	defer w.Close()
	countRenders(prometheus.DefaultRegisterer, w.renderer)
	hooks, err := newWebhook(c, w.sources, log)
	if err != nil {
		return err
	}
	srv, err := server.Listen(server.Options{
		Listen: c.Listen, Webhook: hooks, Metrics: promhttp.Handler(), Ready: w.reconciler.Ready, Profile: c.Profiling,
	})
	if err != nil {
		return err
	}
	own.Trim() // of what starting touched, the controller uses half
	log.Info("starting", "version", f.Build.Version, "listen", c.Listen, "cluster", cfg.Host)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return srv.Serve(ctx) })
	group.Go(func() error { return leader.lead(ctx, w.typed, c, log, w.reconciler.Run) })
	return group.Wait()
}

// wired is the line with all that stands around it.
type wired struct {
	typed      *kube.Typed
	sources    *source.Sources
	renderer   *render.Renderer
	reconciler *controller.Reconciler
}

// Close ends what wire started, in the reverse order.
func (w *wired) Close() {
	_ = w.renderer.Close()
	_ = w.sources.Close()
}

// around is what only a controller has: it tells of what it does.
type around struct {
	events  record.EventRecorder
	metrics prometheus.Registerer
	quiet   func() // called when it did nothing for a while
	leads   func() bool
}

// wire puts the line together by hand.
func wire(ctx context.Context, cfg *rest.Config, c config.Config, e env, log *slog.Logger, o around) (*wired, error) {
	client, err := kube.NewClient(cfg, kube.Options{})
	if err != nil {
		return nil, err
	}
	w := &wired{}
	if w.typed, err = kube.NewTyped(client.RESTConfig(), nil); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	dyn, err := dynamic.NewForConfig(client.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	store := live.New(ctx, client, live.Options{Health: healthOf, Log: log})
	w.sources, err = newSources(c, e, log,
		func(ids []model.ReleaseID) { w.reconciler.Request(ids...) },
		func(ids []model.ReleaseID, err error) { w.reconciler.SourceFailed(ids, err) })
	if err != nil {
		return nil, err
	}
	if w.renderer, err = newRenderer(c, w.sources, log); err != nil {
		_ = w.sources.Close()
		return nil, err
	}
	w.renderer.LookInto(lookUpFor(client, readerFor(client)))
	w.reconciler = controller.New(controllerConfig(c), controller.Parts{
		Line: &pipeline.Line{
			Source: w.sources, Render: w.renderer, Cluster: client, Live: store,
			Apply:  apply.New(client, apply.Options{}),
			Health: health.NewWaiter(health.NewCluster(w.typed, dyn, nil), health.DefaultRules()),
			Now:    time.Now,
		},
		Sources: w.sources, Kube: client, Dynamic: dyn, Live: store,
		Records: releases.NewStore(w.typed.CoreV1().RESTClient(), time.Now),
		Objects: helm.Recorded, Hooks: helm.RecordedHooks, Events: o.events, Metrics: o.metrics, Log: log, Now: time.Now, Quiet: o.quiet, Leads: o.leads,
	})
	return w, nil
}

// newEvents sends Kubernetes events in the background, bounded by client-go's own limits. stop ends
// it.
func newEvents(cfg *rest.Config) (events record.EventRecorder, stop func(), err error) {
	typed, err := kube.NewTyped(cfg, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client: %w", err)
	}
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: typed.CoreV1().Events("")})
	return broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "fairlead"}), broadcaster.Shutdown, nil
}

// countRenders shows what the renderer did among the metrics.
func countRenders(reg prometheus.Registerer, r *render.Renderer) {
	for name, c := range map[string]struct {
		help string
		of   func(render.Stats) int64
	}{
		"fairlead_renders_total":           {"Artifacts rendered.", func(s render.Stats) int64 { return s.Renders }},
		"fairlead_render_cache_hits_total": {"Renders answered from the cache.", func(s render.Stats) int64 { return s.CacheHits }},
		"fairlead_render_failures_total":   {"Renders that failed.", func(s render.Stats) int64 { return s.Failures }},
	} {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: c.help},
			func() float64 { return float64(c.of(r.Stats())) }))
	}
}

func logLevel(verbosity int) slog.Level {
	if verbosity > 0 {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// healthOf gives the live store the health rules of the kinds that have some. Requests of releases
// count as healthy: what becomes of a release is told by itself, not a second time by the folder
// its request came from.
func healthOf(gvk schema.GroupVersionKind) live.HealthFunc {
	isRequest := slices.ContainsFunc(controller.RequestKinds, func(k schema.GroupVersionKind) bool { return k.GroupKind() == gvk.GroupKind() })
	if isRequest || !health.HasRule(gvk.Group, gvk.Kind) {
		return nil
	}
	return func(u *unstructured.Unstructured) model.Health { return health.Of(u.Object) }
}

func newSources(c config.Config, e env, log *slog.Logger, changed func([]model.ReleaseID), failed func([]model.ReleaseID, error)) (*source.Sources, error) {
	o := source.Options{
		CacheDir: filepath.Join(c.CacheDir, "sources"), PollInterval: c.Interval.Duration, Log: log,
		FileRoots: c.Git.FileRoots, OnChange: changed, OnError: failed, Env: e.Proxy,
	}
	for _, r := range c.Rewrites {
		o.Rewrites = append(o.Rewrites, source.Rewrite{From: r.From, To: r.To})
	}
	if file := c.Git.KnownHostsFile; file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading known SSH hosts: %w", err)
		}
		o.KnownHosts = data
	}
	return source.New(o)
}

func newRenderer(c config.Config, sources *source.Sources, log *slog.Logger) (*render.Renderer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	dir := c.CacheDir
	return render.New(render.Options{
		CacheDir: dir, Roots: []string{filepath.Join(dir, "sources")},
		Worker: []string{self, "render-worker"}, MaxWorkers: c.Workers,
		Dependencies: func(ctx context.Context, ref model.Ref) (model.Artifact, error) { return sources.Fetch(ctx, ref) },
		Log:          log,
	}), nil
}

func newWebhook(c config.Config, sources *source.Sources, log *slog.Logger) (http.Handler, error) {
	o := webhook.Options{AllowUnsigned: c.Webhook.AllowUnsigned, Log: log}
	for _, file := range c.Webhook.SecretFiles {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a webhook's secret: %w", err)
		}
		if secret := strings.TrimSpace(string(data)); secret != "" {
			o.Secrets = append(o.Secrets, secret)
		}
	}
	o.Notify = func(ctx context.Context, p webhook.Push) (int, error) {
		return sources.Notify(ctx, source.Push{URLs: p.URLs, Ref: p.Ref, Commit: p.Commit})
	}
	return webhook.Handler(o), nil
}

func controllerConfig(c config.Config) controller.Config {
	out := controller.Config{
		Namespace: c.Namespace, Parallel: c.Parallel, Interval: c.Interval.Duration, DefaultGitRef: c.Git.DefaultRef,
	}
	for _, s := range c.Sources {
		out.Credentials = append(out.Credentials, controller.Credential{Prefix: s.Prefix, Namespace: s.Namespace, Secret: s.Secret})
	}
	for _, r := range c.Roots {
		out.Roots = append(out.Roots, controller.Root{Name: r.Name, URL: r.URL, Ref: r.Ref, Paths: r.Paths, Prune: r.Prune, Secret: r.Secret})
	}
	return out
}
