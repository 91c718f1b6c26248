package controller

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/dynamic"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	hr "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/record"
	"github.com/fairlead-cd/fairlead/internal/source"
)

// Config is what an administrator says once for all releases.
type Config struct {
	Namespace     string        // where Fairlead keeps what belongs to no release
	Parallel      int           // runs that read, render and write at the same time
	Interval      time.Duration // of polling; also how old a status may get before it is "unknown"
	DefaultGitRef string        // of a HelmRelease that names none
	Credentials   []Credential
	Roots         []Root
}

// Credential says which Secret opens the repositories below a URL prefix.
type Credential struct {
	Prefix, Namespace, Secret string
}

// Parts are what the reconciler works with. All are safe for concurrent use.
type Parts struct {
	Line    *pipeline.Line
	Sources sources
	Kube    *kube.Client
	Dynamic dynamic.Interface
	Live    *live.Store
	Records *record.Store
	// Objects reads a recorded manifest back, and Hooks recorded hooks.
	Objects func(manifest string, rel model.Release) ([]model.Object, error)
	Hooks   func(hooks []byte, rel model.Release) ([]model.Object, error)
	Events  eventSink             // nil sends none
	Metrics prometheus.Registerer // nil counts for nobody
	Log     *slog.Logger
	Now     func() time.Time
	Quiet   func() // called when nothing was done for a while; may be nil
	// Leads reports whether this process is the one that may change anything now; nil is always.
	Leads func() bool
}

type sources interface {
	Watch(model.ReleaseID, model.Ref)
	Unwatch(model.ReleaseID)
	Refresh(context.Context, model.Ref) (source.Resolution, error)
	Resolve(context.Context, model.Ref) (source.Resolution, error)
}

// Reconciler keeps all releases as their requests say.
type Reconciler struct {
	config  Config
	line    *pipeline.Line
	sources sources
	kube    *kube.Client
	dynamic dynamic.Interface
	live    *live.Store
	records *record.Store
	log     *slog.Logger
	now     func() time.Time
	quiet   func()
	leads   func() bool

	events  eventSink
	metrics *metrics

	kinds  map[model.Kind]kind
	named  *named
	engine *Engine
	chores *pipeline.Chores

	helmReleases *requests[hr.HelmRelease, *hr.HelmRelease]
	applications *requests[argo.Application, *argo.Application]

	retries  retries
	removals retries // of releases whose request is gone or going
	repairs  repairs

	mu      sync.Mutex
	written map[model.ReleaseID]*written
	labels  map[string]model.ReleaseID      // of requests that were read
	names   map[releaseName]model.ReleaseID // likewise, by Helm's name
	places  map[model.ReleaseID]releaseName // the reverse of names
	moved   map[model.ReleaseID]bool        // may have records under an earlier name
	blamed  map[model.ReleaseID][]model.Cause
	// expected are the releases whose inventory the live store was told.
	expected map[model.ReleaseID]bool
	told     map[model.ReleaseID]string // the error an event was sent for last
	orphans  map[string]bool            // labels without a request that were looked into
	// searching: the kinds that charts mostly consist of are watched.
	searching bool
	attempts  map[model.ReleaseID]attempt

	running atomic.Bool
}

// New puts a reconciler together and registers its recorders with the line.
func New(config Config, p Parts) *Reconciler {
	r := &Reconciler{
		config: config, line: p.Line, sources: p.Sources, kube: p.Kube, dynamic: p.Dynamic, live: p.Live,
		records: p.Records, log: discard(p.Log), now: p.Now, quiet: p.Quiet, leads: p.Leads, named: &named{client: p.Kube},
		written: map[model.ReleaseID]*written{}, labels: map[string]model.ReleaseID{},
		names: map[releaseName]model.ReleaseID{}, blamed: map[model.ReleaseID][]model.Cause{},
		places: map[model.ReleaseID]releaseName{}, moved: map[model.ReleaseID]bool{},
		expected: map[model.ReleaseID]bool{}, told: map[model.ReleaseID]string{}, orphans: map[string]bool{},
		attempts: map[model.ReleaseID]attempt{},
		events:   p.Events, metrics: newMetrics(p.Metrics),
	}
	r.helmReleases = newRequests[hr.HelmRelease](model.KindHelmRelease, r.Request, regenerated)
	r.applications = newRequests[argo.Application](model.KindApplication, r.Request, respecified)
	r.kinds = map[model.Kind]kind{
		model.KindHelmRelease: helmReleaseKind{r},
		model.KindApplication: applicationKind{r},
		model.KindRoot:        newRootKind(r),
	}
	again := func(ctx context.Context, rel model.Release) (pipeline.Desired, error) {
		return p.Line.Desired(ctx, rel)
	}
	r.chores = pipeline.NewChores(r.log)
	p.Line.Records = map[model.Kind]pipeline.Recorder{
		model.KindHelmRelease: pipeline.HelmRecorder{Store: p.Records, Objects: p.Objects, HookObjects: p.Hooks, Chores: r.chores},
		model.KindApplication: statusRecorder{now: p.Now, again: again},
		model.KindRoot:        statusRecorder{now: p.Now, again: again},
	}
	return r
}

// quietAfter is how long nothing is done before that counts as rest.
const quietAfter = 15 * time.Second

// Run reconciles until ctx ends, and returns when no run is under way any more.
func (r *Reconciler) Run(ctx context.Context) error {
	r.engine = NewEngine(ctx, r.config.Parallel, r.log, r.turn)
	r.engine.WhenQuiet(quietAfter, func() {
		r.findUnrecorded()
		if r.quiet != nil {
			r.quiet()
		}
	})
	r.live.Subscribe(r.onLive)
	if err := r.live.Ensure(ctx, alwaysWatched...); err != nil {
		return err
	}
	r.running.Store(true)
	var besides sync.WaitGroup
	besides.Go(func() { r.helmReleases.Watch(ctx, r.dynamic, helmReleases) })
	besides.Go(func() { r.applications.Watch(ctx, r.dynamic, applications) })
	for _, root := range r.config.Roots {
		r.Request(root.ID())
	}
	go r.findLeft(ctx)
	besides.Go(func() { r.chores.Run(ctx) })
	<-ctx.Done()
	besides.Wait()
	r.engine.Wait()
	return nil
}

// Ready says why this process is not ready to be believed; nil is ready. One that waits for another
// replica to stop leading is ready.
func (r *Reconciler) Ready() error {
	if r.running.Load() && !r.helmReleases.Synced() && !r.applications.Synced() {
		return errors.New("no requests were read yet")
	}
	return nil
}

// Request asks for a turn of each release: their source changed, or someone wants it.
func (r *Reconciler) Request(ids ...model.ReleaseID) {
	if r.engine != nil {
		r.engine.Request(ids...)
	}
}

// SourceFailed tells that the sources of releases cannot be read, or can again.
func (r *Reconciler) SourceFailed(ids []model.ReleaseID, _ error) { r.Request(ids...) }

// onLive turns what the watches tell into requests: drift, a change of health, a Secret or
// ConfigMap that a request names, a record that another tool wrote.
func (r *Reconciler) onLive(e live.Event) {
	if e.Key.Group == "" && (e.Key.Kind == "Secret" || e.Key.Kind == "ConfigMap") {
		r.Request(r.named.Changed(e.Key)...)
	}
	if id, ok := r.byLabel(e.Release); ok {
		switch {
		case e.Drift:
			r.Request(id)
		case e.HealthChanged:
			r.engine.Nudge(id)
		}
	}
	if e.Record != nil {
		if e.Type != live.Deleted {
			r.seen(e.Record)
		}
		if id, ok := r.byRecord(e.Record, e.Type == live.Deleted); ok {
			r.Request(id)
		}
	}
}

func (r *Reconciler) byLabel(label string) (model.ReleaseID, bool) {
	if label == "" {
		return model.ReleaseID{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.labels[label]
	return id, ok
}

// written is the newest record this process wrote of a release, which the watch may not have told
// yet.
type written struct {
	record model.Record
	at     releaseName // under which it was written
	told   bool        // the watch has told of it: from then on its absence says that it was deleted
}

// remember keeps what this process recorded last: the watch tells it a moment later.
func (r *Reconciler) remember(rel model.Release, rec *model.Record) {
	if rec == nil {
		return
	}
	w := &written{record: *rec, at: releaseName{rel.Namespace, rel.Name}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.written[rel.ID]; old != nil && old.at == w.at && old.record.Revision == rec.Revision {
		w.told = old.told
	}
	r.written[rel.ID] = w
	// The watch may have been faster than the run that wrote it; what it tells from now on, seen notes.
	if rel.ID.Kind == model.KindHelmRelease && !w.told {
		w.told = r.stored(w)
	}
}

// seen notes that the watch has told of a record, whether or not a turn looks at it.
func (r *Reconciler) seen(s *live.Stored) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := releaseName{s.Meta.Namespace, s.Release}
	if w := r.written[r.names[at]]; w != nil && w.at == at && w.record.Revision == s.Revision {
		w.told = true
	}
}

// stored reports whether the watch has told of a record.
func (r *Reconciler) stored(w *written) bool {
	all, err := r.live.Records(w.at.namespace, w.at.name)
	return err == nil && slices.ContainsFunc(all, func(s *live.Stored) bool { return s.Revision == w.record.Revision })
}

// index lets events find the release they are about.
func (r *Reconciler) index(rel model.Release) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.labels[rel.ID.Label()] = rel.ID
	if rel.ID.Kind != model.KindHelmRelease {
		return
	}
	at := releaseName{rel.Namespace, rel.Name}
	if was, known := r.places[rel.ID]; known && was != at {
		r.moved[rel.ID] = true
		if r.names[was] == rel.ID {
			delete(r.names, was)
		}
	}
	r.names[at], r.places[rel.ID] = rel.ID, at
}

// known completes a history by the record this process wrote last.
func (r *Reconciler) known(rel model.Release, history []model.Record) []model.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.written[rel.ID]
	if w == nil || w.at != (releaseName{rel.Namespace, rel.Name}) {
		return history
	}
	last := newest(history)
	switch {
	case last != nil && last.Revision == w.record.Revision:
		w.told = true
		if last.Owner != "" {
			*last = w.record // what we wrote into it last
		}
	case w.told || last != nil && last.Revision > w.record.Revision:
		delete(r.written, rel.ID) // somebody deleted it, or went on from it
	default:
		return append(history[:len(history):len(history)], w.record)
	}
	return history
}

func (r *Reconciler) forget(id model.ReleaseID) {
	r.mu.Lock()
	delete(r.written, id)
	delete(r.labels, id.Label())
	delete(r.blamed, id)
	delete(r.expected, id)
	delete(r.told, id)
	delete(r.attempts, id)
	delete(r.moved, id)
	delete(r.places, id)
	maps.DeleteFunc(r.names, func(_ releaseName, owner model.ReleaseID) bool { return owner == id })
	r.mu.Unlock()
	r.live.Expect(id.Label(), nil)
	r.retries.forget(id)
	r.removals.forget(id)
	r.repairs.forget(id)
	r.named.Forget(id)
	r.engine.Forget(id)
}

// auth is the credential of a source: the Secret the request names, else the one configured for
// the longest prefix of the URL, else none.
func (r *Reconciler) auth(ctx context.Context, id model.ReleaseID, url, namespace, name string) (*model.Auth, error) {
	if name != "" {
		return r.named.Auth(ctx, id, namespace, name)
	}
	var best *Credential
	for i := range r.config.Credentials {
		c := &r.config.Credentials[i]
		if len(url) >= len(c.Prefix) && url[:len(c.Prefix)] == c.Prefix && (best == nil || len(c.Prefix) > len(best.Prefix)) {
			best = c
		}
	}
	if best == nil {
		return nil, nil
	}
	return r.named.Auth(ctx, id, best.Namespace, best.Secret)
}
