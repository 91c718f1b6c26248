package render

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
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
type Renderer struct{}

// New makes a Renderer. It starts no process and touches no disk before it is asked to render.
func New(o Options) *Renderer { return &Renderer{} }

// Inputs is the digest of everything that a render of rel would depend on: the artifact's digest,
// values, names, renderer and, when the chart asks for them, capabilities. It is cheap and renders
// nothing; equal digests mean that rendering again would tell nothing new.
func (r *Renderer) Inputs(rel model.Release, a model.Artifact, caps model.Capabilities) (string, error) {
	return "", errors.New("not implemented")
}

// Render turns an artifact into objects. Whatever is wrong with the input is a *model.Error of
// kind Invalid with file and line where they are known; no sensitive value appears in it.
func (r *Renderer) Render(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities, o RenderOptions) (model.Rendered, error) {
	return model.Rendered{}, errors.New("not implemented")
}

// Stats says what happened so far.
func (r *Renderer) Stats() Stats { return Stats{} }

// Close ends the workers. Renders under way fail.
func (r *Renderer) Close() error { return nil }
