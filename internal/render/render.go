package render

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
	"github.com/fairlead-cd/fairlead/internal/render/plain"
	"github.com/fairlead-cd/fairlead/internal/render/worker"
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
	WorkerEnv   []string      // NAME=value; a worker has no other environment
	Roots       []string      // the folders that hold artifacts: all that a worker may read, if they exist when it starts; empty is everything
	MaxWorkers  int           // 0 is 2
	IdleTimeout time.Duration // after which a worker leaves; 0 is 30 s
	Brief       bool          // there will be a few renders in all: workers spend nothing on staying small
	Limits      Limits

	// Dependencies fetches a chart that another one depends on and does not carry in charts/. Nil
	// refuses such charts.
	Dependencies func(ctx context.Context, ref model.Ref) (model.Artifact, error)

	Log *slog.Logger // nil discards
}

// Limits bound one render. Zero fields take the defaults: 30 s, 256 MiB, 32 MiB.
type Limits = worker.Limits

const (
	defaultTimeout    = 30 * time.Second
	defaultMemory     = 256 << 20
	defaultOutput     = 32 << 20
	defaultMaxWorkers = 2
	defaultIdle       = 30 * time.Second
)

// RenderOptions are what the run knows of the release's history. They matter only to charts that
// ask for them.
type RenderOptions struct {
	IsUpgrade bool
	Revision  int // the revision this render would become; 0 is 1

	// CRDText asks for ChartInfo.CRDs too, which costs memory that a controller does not need.
	CRDText bool
}

// Stats counts since the start, for metrics.
type Stats struct {
	Renders, CacheHits, Failures int64
	Workers                      int // alive now
	Killed                       int64
}

// Renderer turns artifacts into objects. It is safe for concurrent use.
type Renderer struct {
	o       Options
	pool    *worker.Pool // nil renders in this process
	cache   *cache       // nil keeps nothing
	scans   scans
	flights flights
	grudges grudges
	plain   plain.Renderer
	lookUp  LookUp // nil: templates find nothing in the cluster

	renders, hits, failures atomic.Int64
}

// New makes a Renderer. It starts no process and touches no disk before it is asked to render.
func New(o Options) *Renderer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits.Timeout = cmp.Or(o.Limits.Timeout, defaultTimeout)
	o.Limits.Memory = cmp.Or(o.Limits.Memory, defaultMemory)
	o.Limits.Output = cmp.Or(o.Limits.Output, defaultOutput)
	r := &Renderer{o: o, cache: newCache(o.CacheDir, o.CacheBytes)}
	if len(o.Worker) > 0 {
		r.pool = worker.NewPool(worker.Options{
			Command: o.Worker, Env: o.WorkerEnv, Roots: o.Roots, Limits: o.Limits,
			Max: cmp.Or(o.MaxWorkers, defaultMaxWorkers), Idle: cmp.Or(o.IdleTimeout, defaultIdle), Brief: o.Brief, Log: o.Log,
		})
	}
	return r
}

// LookUp reads what a template of a release asks for by Helm's lookup: an object or a list as JSON, nothing
// where it does not exist. It reads no more than limit bytes; one of more is ErrTooMuchFound, and never cut off.
type LookUp func(ctx context.Context, rel model.Release, q helm.Lookup, limit int64) ([]byte, error)

// LookInto lets charts look into a cluster, as with helm upgrade. What was found is no part of Inputs: a
// release is not upgraded because of it. A result that depends on it is not kept either, and rendered anew
// each time. It is called before anything renders.
func (r *Renderer) LookInto(f LookUp) { r.lookUp = f }

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

// errNoDigest is a mistake of the caller: without a digest, other content would look the same.
var errNoDigest = errors.New("rendering: the artifact has no digest")

// look finds out which renderer the artifact needs, and what its output depends on.
func (r *Renderer) look(rel model.Release, a model.Artifact) (model.Renderer, traits, error) {
	if a.Digest == "" {
		return "", traits{}, errNoDigest
	}
	kind, err := choose(rel.Renderer, a)
	if err != nil || kind != model.RenderHelm {
		return kind, traits{}, err
	}
	t, err := r.scans.of(rel, a)
	return kind, t, err
}

// Render turns an artifact into objects. Whatever is wrong with the input is a *model.Error of
// kind Invalid with file and line where they are known; no sensitive value appears in it. Results
// are shared between callers: nobody may change one.
func (r *Renderer) Render(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities, o RenderOptions) (model.Rendered, error) {
	kind, t, err := r.look(rel, a)
	if err != nil {
		r.failures.Add(1)
		return model.Rendered{}, err
	}
	digest := inputs(rel, a, caps, t)
	rendered, err := r.produce(ctx, task{
		kind: kind, key: cacheKey(digest, o, t), release: rel, artifact: a, capabilities: caps, options: o,
	})
	if err != nil {
		r.failures.Add(1)
		return model.Rendered{}, err
	}
	rendered.Digest = digest
	return rendered, nil
}

// task is one render: what it is of, and the key of everything that it depends on.
type task struct {
	kind         model.Renderer
	key          string
	release      model.Release
	artifact     model.Artifact
	capabilities model.Capabilities
	options      RenderOptions
}

// produce gives the result from the cache, or renders it.
func (r *Renderer) produce(ctx context.Context, t task) (model.Rendered, error) {
	if t.kind == model.RenderPlain {
		// Reading manifests costs no more than reading a kept result, and is bounded.
		r.renders.Add(1)
		return r.plain.Render(ctx, t.release, t.artifact)
	}
	return r.flights.do(ctx, t.key, func() (model.Rendered, error) {
		if kept, ok := r.cache.get(t.key); ok {
			r.hits.Add(1)
			return kept, nil
		}
		if err := r.grudges.check(t.key, time.Now()); err != nil {
			return model.Rendered{}, err
		}
		r.renders.Add(1)
		rendered, looked, err := r.chart(ctx, t)
		if err != nil {
			r.grudges.hold(t.key, err, time.Now())
			return model.Rendered{}, err
		}
		if looked { // what was found is in no key, and another the next time
			return rendered, nil
		}
		if err := r.cache.put(t.key, rendered); err != nil {
			r.o.Log.Warn("render cache", "error", err)
		}
		return rendered, nil
	})
}

// Prepare starts a worker, where there are workers, for a render that will come: what is done until
// then takes place beside it. The folders of Options.Roots have to exist. It returns at once.
func (r *Renderer) Prepare() {
	if r.pool != nil {
		r.pool.Prepare()
	}
}

// Stats says what happened so far.
func (r *Renderer) Stats() Stats {
	s := Stats{Renders: r.renders.Load(), CacheHits: r.hits.Load(), Failures: r.failures.Load()}
	if r.pool != nil {
		s.Workers, s.Killed = r.pool.Alive(), r.pool.Killed()
	}
	return s
}

// Close ends the workers. Renders under way fail.
func (r *Renderer) Close() error {
	if r.pool == nil {
		return nil
	}
	return r.pool.Close()
}
