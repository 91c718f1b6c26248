package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Options say what to check and how.
type Options struct {
	Path       string                             // the chart: a folder or an archive
	Release    string                             // name to render under; empty is "release-name", as `helm template` has it
	Namespace  string                             // empty is "default"
	Values     []Values                           // files given by hand, each a case of its own
	Kube       []string                           // versions of Kubernetes; the first counts most; none is the newest known
	APIs       []string                           // API versions a cluster offers beside Kubernetes' own: "monitoring.coreos.com/v1"
	CRDs       []string                           // folders and files with CustomResourceDefinitions
	Golden     string                             // folder of golden files; empty is tests/golden in the chart
	Update     bool                               // write golden files
	Cases      int                                // most cases to render; 0 is 300
	Ignore     []string                           // rules that don't count
	Open       func(root string) (Render, func()) // a renderer for charts below root, and its end
	Server     Server                             // nil asks none
	Now        func() time.Time
	SkipToggle bool // only the defaults and values files
}

// Values are values that do not belong to the chart: one set of several files, the last of which wins.
type Values struct {
	Name  string // as it was given
	Texts [][]byte
}

// Render renders a chart. It is safe for concurrent use.
type Render func(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities) (model.Rendered, error)

// Server judges objects as an API server would.
type Server interface {
	// Try asks about each object without keeping any. What it says comes in the order of objects.
	Try(ctx context.Context, objects []model.Object) ([]Verdict, error)
	// String is for people: "the embedded cluster (v1.36.3)".
	String() string
}

// Verdict is what an API server says of an object.
type Verdict struct {
	Skipped string    // why it was not asked; empty if it was
	Faults  []Problem // none if it accepts the object
}

// Problem is one thing an API server finds wrong.
type Problem struct {
	Field   string // "spec.ports[0].name"; may be empty
	Message string
}

const (
	defaultCases = 300
	// longName is a release name as long as Helm allows.
	longName = "a-name-for-a-release-that-is-as-long-as-helm-lets-be1"
)

// run is one check under way.
type run struct {
	Options
	draw    Render
	subject *subject
	config  config
	cases   []Case
	found   *findings
	schemas []*kubeschema.Schemas
	report  *Report

	bodiesMu sync.Mutex
	bodies   map[string][]byte // of objects, by digest

	results []result
	renders atomic.Int64
	stuck   atomic.Int64       // renders that broke a limit
	pool    map[string]*Object // by file and digest
	sets    map[string][]*Object
}

// Run checks a chart. The error says that it could not be checked; what is wrong with the chart is
// in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	start := o.Now()
	r := &run{Options: o, bodies: map[string][]byte{}, pool: map[string]*Object{}, sets: map[string][]*Object{}, report: &Report{Path: o.Path}}
	if err := r.prepare(); err != nil {
		return r.broken(err, start)
	}
	if err := r.schemasOf(); err != nil {
		return nil, err
	}
	if err := r.list(); err != nil {
		return nil, err
	}
	r.found = newFindings(r.cases)
	var end func()
	r.draw, end = r.Open(r.subject.artifact.Dir)
	defer end()
	linted := make(chan []Finding, 1)
	version := r.schemas[0].Version()
	lint := func() { linted <- r.lint(version) }
	if err := r.renderAll(ctx, lint); err != nil {
		return nil, err
	}
	if err := r.judge(ctx); err != nil {
		return nil, err
	}
	if err := r.values(); err != nil {
		return nil, err
	}
	if err := r.golden(ctx); err != nil {
		return nil, err
	}
	if err := r.awaitLint(ctx, linted); err != nil {
		return nil, err
	}
	r.finish(start)
	return r.report, nil
}

// broken makes a report of a chart that cannot even be read.
func (r *run) broken(err error, start time.Time) (*Report, error) {
	var e *model.Error
	if !errors.As(err, &e) || e.Kind != model.ErrInvalid || e.File == "" || r.config.broken {
		return nil, err
	}
	r.found = newFindings(nil)
	r.found.add(Finding{Rule: "lint", File: e.File, Line: e.Line, Message: messageOf(e), Fix: e.Next})
	r.finish(start)
	return r.report, nil
}

func (r *run) prepare() error {
	var err error
	if r.subject, err = open(r.Path); err != nil {
		return err
	}
	if r.config, err = r.subject.config(); err != nil {
		return err
	}
	md := r.subject.chart.Metadata
	r.report.Chart, r.report.Version = md.Name, md.Version
	if r.Release == "" {
		r.Release = "release-name"
	}
	if r.Namespace == "" {
		r.Namespace = "default"
	}
	if r.Options.Cases == 0 {
		r.Options.Cases = defaultCases
	}
	return nil
}

func (r *run) schemasOf() error {
	if len(r.Kube) == 0 {
		r.Kube = []string{kubeschema.Newest()}
	}
	for _, v := range r.Kube {
		s, err := kubeschema.For(v)
		if err != nil {
			return err
		}
		r.schemas = append(r.schemas, s)
		r.report.Kubernetes = append(r.report.Kubernetes, s.Version())
	}
	kinds, err := definitions(r.CRDs)
	if err != nil {
		return err
	}
	r.addKinds(kinds)
	return nil
}

func (r *run) addKinds(kinds []*kubeschema.Kind) {
	for i, s := range r.schemas {
		r.schemas[i] = s.With(kinds)
	}
}

// list puts the cases together: the defaults, each values file, each flipped toggle, and a long name.
func (r *run) list() error {
	r.cases = []Case{{Name: "values.yaml", Kind: CaseDefaults}}
	names, err := r.subject.valuesFiles()
	if err != nil {
		return err
	}
	for _, n := range names {
		layer := model.ValuesLayer{Origin: n, File: n}
		if r.subject.dir == "" { // in an archive no file lies on disk
			layer.File = ""
			if layer.YAML, err = r.subject.read(n); err != nil {
				return err
			}
		}
		r.cases = append(r.cases, Case{Name: n, Kind: CaseValues, Layers: []model.ValuesLayer{layer}})
	}
	for _, v := range r.Values {
		c := Case{Name: v.Name, Kind: CaseValues}
		for _, text := range v.Texts {
			c.Layers = append(c.Layers, model.ValuesLayer{Origin: v.Name, YAML: text, Sensitive: true})
		}
		r.cases = append(r.cases, c)
	}
	r.report.ValuesFiles = len(r.cases)
	return nil
}

// result is what came of one case with one version of Kubernetes.
type result struct {
	of       Case
	schema   int // index of the version
	rendered model.Rendered
	err      error
}

// asks reports whether any template looks at the version or the kinds of the cluster: else one
// render will do for all versions.
func (r *run) asks() bool {
	if r.subject.chart.Metadata.KubeVersion != "" {
		return true
	}
	for _, lines := range r.subject.texts {
		if slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "Capabilities") }) {
			return true
		}
	}
	return false
}

// render renders cases side by side. It fails only when rendering itself does not work.
func (r *run) render(ctx context.Context, cases []Case, version int) error {
	results := make([]result, len(cases))
	limit := make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))
	done := make(chan struct{})
	for i, c := range cases {
		go func() {
			limit <- struct{}{}
			results[i] = r.one(ctx, c, version)
			<-limit
			done <- struct{}{}
		}()
	}
	for range cases {
		<-done
	}
	for _, res := range results {
		switch {
		case errors.Is(res.err, errStuck):
			r.report.Left = append(r.report.Left, res.of.Name)
			continue
		case res.err != nil && model.KindOf(res.err) != model.ErrInvalid:
			return fmt.Errorf("rendering with %s: %w", res.of.Name, res.err)
		}
		r.results = append(r.results, res)
	}
	return ctx.Err()
}

// errStuck ends the rendering of a chart of which some renders did not end by themselves: each
// further one could take as long.
var errStuck = errors.New("left out: others did not end")

const mostStuck = 2

func (r *run) one(ctx context.Context, c Case, version int) result {
	if r.stuck.Load() >= mostStuck {
		return result{of: c, schema: version, err: errStuck}
	}
	name := r.Release
	if c.name != "" {
		name = c.name
	}
	s := r.schemas[version]
	caps := model.Capabilities{KubeVersion: "v" + s.Version(), APIVersions: slices.Concat(s.APIVersions(), r.APIs, c.apis)}
	r.renders.Add(1)
	rendered, err := r.draw(ctx, model.Release{
		Name: name, Namespace: r.Namespace, Renderer: model.RenderHelm, Values: c.Layers,
	}, r.subject.artifact, caps)
	switch model.ReasonOf(err, "") {
	case "RenderTimeout", "RenderMemory":
		r.stuck.Add(1)
	}
	return result{of: c, schema: version, rendered: r.share(rendered), err: err}
}

// share keeps one copy of what many renders have in common: definitions alone can be megabytes.
func (r *run) share(rendered model.Rendered) model.Rendered {
	rendered.Chart = nil // for Helm's storage, which nobody asks here
	// What a renderer gives is shared: the lists are changed in a copy.
	rendered.Objects, rendered.Hooks = slices.Clone(rendered.Objects), slices.Clone(rendered.Hooks)
	r.bodiesMu.Lock()
	defer r.bodiesMu.Unlock()
	for _, objects := range [][]model.Object{rendered.Objects, rendered.Hooks} {
		for i := range objects {
			if known, ok := r.bodies[objects[i].Digest]; ok {
				objects[i].Body = known
			} else {
				r.bodies[objects[i].Digest] = objects[i].Body
			}
		}
	}
	return rendered
}

// definitionsOf collects the kinds that the chart itself defines.
func definitionsOf(objects map[string]*Object) []*kubeschema.Kind {
	var all []*kubeschema.Kind
	for _, key := range sortedKeys(objects) {
		if kinds, ok := kubeschema.CustomKind(objects[key].Body); ok {
			all = append(all, kinds...)
		}
	}
	return all
}

// gather makes one object of those that are the same in several cases.
func (r *run) gather() error {
	for _, res := range r.results {
		if res.err != nil {
			continue
		}
		versions := []string{r.schemas[res.schema].Version()}
		if !r.asks() {
			versions = versions[:0]
			for _, s := range r.schemas {
				versions = append(versions, s.Version())
			}
		}
		var set []*Object
		for _, m := range slices.Concat(res.rendered.Objects, res.rendered.Hooks) {
			o, err := r.known(m)
			if err != nil {
				return err
			}
			if !slices.Contains(o.Cases, res.of.Name) {
				o.Cases = append(o.Cases, res.of.Name)
			}
			if res.of.given() {
				o.toggleOnly = false
			}
			for _, v := range versions {
				if !slices.Contains(o.Versions, v) {
					o.Versions = append(o.Versions, v)
				}
			}
			set = append(set, o)
		}
		if _, ok := r.sets[res.of.Name]; !ok {
			r.sets[res.of.Name] = set
		}
	}
	r.addKinds(definitionsOf(r.pool))
	return nil
}

func (r *run) known(m model.Object) (*Object, error) {
	key := m.Origin.File + "\x00" + m.Digest
	if o, ok := r.pool[key]; ok {
		return o, nil
	}
	o, err := newObject(m)
	if err != nil {
		return nil, err
	}
	o.toggleOnly = true
	r.pool[key] = o
	return o, nil
}

func sameObjects(a, b model.Rendered) bool {
	return slices.EqualFunc(slices.Concat(a.Objects, a.Hooks), slices.Concat(b.Objects, b.Hooks), func(x, y model.Object) bool {
		return x.Digest == y.Digest && bytes.Equal([]byte(x.Origin.File), []byte(y.Origin.File))
	})
}
