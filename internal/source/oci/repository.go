package oci

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/registry"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
)

// chartLayer is the media type of a chart's archive (Helm's pkg/registry/constants.go).
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// Options configure a Repository.
type Options struct {
	URL      string // oci://host/path/chart
	Registry registry.Options
	MaxChart int64
	Unpacked artifact.Bounds
}

// Repository is one chart in a registry, seen through one credential.
type Repository struct {
	opts  Options
	repo  *registry.Repository
	chart string

	mu     sync.Mutex
	tags   []string
	charts map[string]chart // by tag
}

// chart is what a tag was at.
type chart struct {
	manifest string
	layer    string
}

// New checks the URL.
func New(opts Options) (*Repository, error) {
	at, ok := strings.CutPrefix(opts.URL, "oci://")
	if !ok {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidURL", Msg: "the chart's URL is not usable", Next: "write oci://host/path/chart"}
	}
	repo, err := registry.Open(strings.TrimSuffix(at, "/"), opts.Registry)
	if err != nil {
		return nil, err
	}
	return &Repository{opts: opts, repo: repo, chart: path.Base(strings.TrimSuffix(at, "/")), charts: map[string]chart{}}, nil
}

// Close gives up idle connections.
func (r *Repository) Close() { r.repo.Close() }

// Read lists the tags where a range has to be resolved, and looks where those of interest are at.
func (r *Repository) Read(ctx context.Context, wants []model.Ref) (changed bool, err error) {
	var tags []string
	if slices.ContainsFunc(wants, func(w model.Ref) bool { return !isExact(w.Version) }) {
		if tags, err = r.repo.Tags(ctx); err != nil {
			return false, err
		}
	}
	charts := map[string]chart{}
	for _, w := range wants {
		tag, err := pick(tags, w.Version)
		if _, seen := charts[tag]; err != nil || seen {
			continue // its own release hears of it from Resolve
		}
		c, err := r.look(ctx, tag)
		if k := model.KindOf(err); k == model.ErrNotFound || k == model.ErrInvalid {
			continue
		}
		if err != nil {
			return false, err
		}
		charts[tag] = c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed = !maps.Equal(charts, r.charts) || !slices.Equal(tags, r.tags)
	r.tags, r.charts = tags, charts
	return changed, nil
}

// isExact reports whether a version names one tag, so that no list is needed.
func isExact(version string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	return err == nil
}

// pick is the tag that a version or range means.
func pick(tags []string, rng string) (string, error) {
	if isExact(rng) {
		return strings.ReplaceAll(rng, "+", "_"), nil
	}
	versions := make([]string, len(tags))
	for i, t := range tags {
		versions[i] = strings.ReplaceAll(t, "_", "+")
	}
	v, err := artifact.PickVersion(versions, rng)
	return strings.ReplaceAll(v, "+", "_"), err
}

func (r *Repository) look(ctx context.Context, tag string) (chart, error) {
	m, err := r.repo.Manifest(ctx, tag)
	if err != nil {
		return chart{}, err
	}
	for _, l := range m.Layers {
		if string(l.MediaType) == chartLayer {
			return chart{manifest: m.Digest, layer: l.Digest.String()}, nil
		}
	}
	return chart{}, &model.Error{
		Kind: model.ErrInvalid, Reason: "NotAChart", Msg: fmt.Sprintf("%s:%s holds no Helm chart", r.repo, tag),
		Next: "push it with helm push",
	}
}

// Resolve picks the tag that ref asks for. It asks the registry only for a tag not looked at yet.
func (r *Repository) Resolve(ctx context.Context, ref model.Ref) (artifact.Found, error) {
	r.mu.Lock()
	tags := r.tags
	r.mu.Unlock()
	if tags == nil && !isExact(ref.Version) {
		var err error
		if tags, err = r.repo.Tags(ctx); err != nil {
			return artifact.Found{}, err
		}
		r.mu.Lock()
		r.tags = tags
		r.mu.Unlock()
	}
	tag, err := pick(tags, ref.Version)
	if err != nil {
		return artifact.Found{}, fmt.Errorf("reading %s: %w", r.repo, err)
	}
	r.mu.Lock()
	c, ok := r.charts[tag]
	r.mu.Unlock()
	if !ok {
		if c, err = r.look(ctx, tag); err != nil {
			return artifact.Found{}, err
		}
		r.mu.Lock()
		r.charts[tag] = c
		r.mu.Unlock()
	}
	version := strings.ReplaceAll(tag, "_", "+")
	return artifact.Found{
		Artifact: model.Artifact{
			Path: r.chart, Digest: artifact.ChartDigest(r.chart, c.layer),
			Revision: model.Revision{Ref: version, Version: version, Digest: c.manifest},
		},
		Fill: func(ctx context.Context, dir string) (int64, error) {
			data, err := r.repo.Blob(ctx, c.layer, r.opts.MaxChart)
			if err != nil {
				return 0, err
			}
			return artifact.UnpackChart(bytes.NewReader(data), dir, r.chart, r.opts.Unpacked)
		},
		Archive: func(ctx context.Context) ([]byte, error) { return r.repo.Blob(ctx, c.layer, r.opts.MaxChart) },
	}, nil
}
