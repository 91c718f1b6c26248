package render

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
	"github.com/fairlead-cd/fairlead/internal/render/plain"
)

// Options say where rendering happens and what it may take. The zero value renders in this
// process, without a cache.
type Options struct {
	// CacheDir holds results; empty keeps none. Results can contain Secrets: nobody else may read it.
	CacheDir   string
	CacheBytes int64 // 0 is 256 MiB

	// Worker is the command that serves charts, this binary executed again: [self, "render-worker"].
	// Empty renders in this process, for tests and one-shot commands on trusted charts.
	Worker      []string
	Root        string // the folder that holds all artifacts: all that a worker may read; empty is everything
	MaxWorkers  int    // 0 is 2
	IdleTimeout time.Duration
	Limits      Limits

	// Dependencies fetches a chart that another one depends on and does not carry in charts/. Nil
	// refuses such charts.
	Dependencies func(ctx context.Context, ref model.Ref) (model.Artifact, error)

	Log *slog.Logger // nil discards
}

// Limits bound one render. Zero fields take the defaults.
type Limits struct {
	Timeout time.Duration // wall clock, 60 s
	Memory  int64         // of the worker's process, 256 MiB
	Output  int64         // bytes of everything rendered, 32 MiB
}

// RenderOptions are what the run knows of the release's history. They matter only to charts that
// ask for them.
type RenderOptions struct {
	IsUpgrade bool
	Revision  int // the revision this render would become; 0 is 1
}

// Stats counts since the start, for metrics.
type Stats struct {
	Renders, CacheHits, Failures int64
	Workers                      int // alive now
	Killed                       int64
}

// Renderer turns artifacts into objects. It is safe for concurrent use.
type Renderer struct {
	o     Options
	scans scans

	renders, hits, failures atomic.Int64
}

// New makes a Renderer. It starts no process and touches no disk before it is asked to render.
func New(o Options) *Renderer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Renderer{o: o}
}

// Inputs is the digest of everything that a render of rel would depend on: the artifact's digest,
// values, names, renderer and, when the chart asks for them, capabilities. It is cheap and renders
// nothing; equal digests mean that rendering again would tell nothing new.
func (r *Renderer) Inputs(rel model.Release, a model.Artifact, caps model.Capabilities) (string, error) {
	_, t, err := r.look(rel, a)
	if err != nil {
		return "", err
	}
	return inputs(rel, a, caps, t), nil
}

// look finds out which renderer the artifact needs, and what its output depends on.
func (r *Renderer) look(rel model.Release, a model.Artifact) (model.Renderer, traits, error) {
	kind, err := choose(rel.Renderer, a)
	if err != nil || kind != model.RenderHelm {
		return kind, traits{}, err
	}
	t, err := r.scans.of(rel, a)
	return kind, t, err
}

// Render turns an artifact into objects. Whatever is wrong with the input is a *model.Error of
// kind Invalid with file and line where they are known; no sensitive value appears in it.
func (r *Renderer) Render(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities, o RenderOptions) (model.Rendered, error) {
	kind, t, err := r.look(rel, a)
	if err != nil {
		return model.Rendered{}, err
	}
	digest := inputs(rel, a, caps, t)
	rendered, err := r.run(ctx, kind, rel, a, caps, o)
	if err != nil {
		return model.Rendered{}, err
	}
	rendered.Digest = digest
	return rendered, nil
}

func (r *Renderer) run(ctx context.Context, kind model.Renderer, rel model.Release, a model.Artifact, caps model.Capabilities, o RenderOptions) (model.Rendered, error) {
	r.renders.Add(1)
	if kind == model.RenderPlain {
		return plain.Render(ctx, a, rel.Namespace)
	}
	return helm.Render(ctx, helm.Request{
		Dir: a.Dir, Path: a.Path, Digest: a.Digest, Name: rel.Name, Namespace: rel.Namespace,
		IsUpgrade: o.IsUpgrade, Revision: o.Revision, Values: rel.Values, Capabilities: caps,
		MaxOutput: r.o.Limits.Output,
	}, nil)
}

// Stats says what happened so far.
func (r *Renderer) Stats() Stats {
	return Stats{Renders: r.renders.Load(), CacheHits: r.hits.Load(), Failures: r.failures.Load()}
}

// Close ends the workers. Renders under way fail.
func (r *Renderer) Close() error { return nil }
