package render

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// maxFetchRounds bounds how deep fetched dependencies have dependencies of their own to fetch.
const maxFetchRounds = 5

// chart renders a chart, fetching what it depends on as far as it turns out to be missing.
func (r *Renderer) chart(ctx context.Context, t task) (model.Rendered, error) {
	dir, err := filepath.Abs(t.artifact.Dir) // a worker's folder is another
	if err != nil {
		return model.Rendered{}, fmt.Errorf("finding artifact: %w", err)
	}
	beside := t.artifact.Beside
	if beside != "" {
		if beside, err = filepath.Abs(beside); err != nil {
			return model.Rendered{}, fmt.Errorf("finding artifact: %w", err)
		}
	}
	req := helm.Request{
		Dir: dir, Path: t.artifact.Path, Digest: cmp.Or(t.artifact.Chart, t.artifact.Digest), Beside: beside,
		Name: t.release.Name, Namespace: t.release.Namespace, Values: t.release.Values,
		IsUpgrade: t.options.IsUpgrade, Revision: t.options.Revision,
		Capabilities: t.capabilities, MaxOutput: r.o.Limits.Output, CRDText: t.options.CRDText,
	}
	req.Looks = r.lookUp != nil
	for range maxFetchRounds {
		rendered, err := r.looking(ctx, &req)
		var need *helm.NeedDependencies
		if !errors.As(err, &need) {
			return rendered, err
		}
		for _, d := range need.Missing {
			fetched, err := r.fetch(ctx, d)
			if err != nil {
				return model.Rendered{}, err
			}
			req.Dependencies = append(req.Dependencies, fetched)
		}
	}
	return model.Rendered{}, missing(req.Dependencies[len(req.Dependencies)-1], "dependencies of dependencies are nested too deep")
}

// maxLookups bounds what a chart may ask of a cluster, and in how many rounds; maxFound is how many bytes
// all answers may have together.
const (
	maxLookups, maxLookupRounds = 500, 10

	maxFound = 32 << 20
)

// ErrTooMuchFound is for an answer that has more bytes than a LookUp may return.
var ErrTooMuchFound = &model.Error{
	Kind: model.ErrInvalid, Reason: "TooMuchFound",
	Msg:  fmt.Sprintf("all that it looks up in the cluster has more than %d MiB", maxFound>>20),
	Next: "let the chart look objects up by name, or those of one namespace: without a name it reads all of a kind",
}

// looking renders with what of the cluster the chart turns out to ask for. An object that cannot be read
// is an error: a chart that takes it for missing makes a new password.
func (r *Renderer) looking(ctx context.Context, req *helm.Request) (model.Rendered, error) {
	left := int64(maxFound)
	for _, f := range req.Found {
		left -= int64(len(f.Object))
	}
	for range maxLookupRounds {
		rendered, err := r.engine(ctx, *req)
		var need *helm.NeedLookups
		if !errors.As(err, &need) {
			return rendered, err
		}
		if len(req.Found)+len(need.Missing) > maxLookups {
			break
		}
		for _, q := range need.Missing {
			object, err := r.lookUp(ctx, q, left)
			if left -= int64(len(object)); err == nil && left < 0 {
				err = ErrTooMuchFound
			}
			if err != nil {
				return model.Rendered{}, fmt.Errorf("looking up %s, which the chart asks for: %w", q, err)
			}
			req.Found = append(req.Found, helm.Found{Lookup: q, Object: object})
		}
	}
	return model.Rendered{}, &model.Error{
		Kind: model.ErrInvalid, Reason: "TooManyLookups",
		Msg: fmt.Sprintf("the chart looks up more than %d objects in the cluster, or decides by one what to look up next more than %d times", maxLookups, maxLookupRounds),
	}
}

// engine is where Helm's engine runs: in a worker, or here when there are none.
func (r *Renderer) engine(ctx context.Context, req helm.Request) (model.Rendered, error) {
	if r.pool == nil {
		return helm.Render(ctx, req, nil)
	}
	return r.pool.Render(ctx, req)
}

func (r *Renderer) fetch(ctx context.Context, d helm.Dependency) (helm.Dependency, error) {
	if r.o.Dependencies == nil {
		return d, missing(d, "it is not in charts/")
	}
	a, err := r.o.Dependencies(ctx, dependencyRef(d))
	if err != nil {
		return d, fmt.Errorf("fetching dependency %q from %s: %w", d.Name, d.Repository, err)
	}
	d.Dir, d.Path = a.Dir, a.Path
	return d, nil
}

func dependencyRef(d helm.Dependency) model.Ref {
	if strings.HasPrefix(d.Repository, "oci://") {
		return model.Ref{Kind: model.SourceOCI, URL: d.Repository + "/" + d.Name, Version: d.Version}
	}
	return model.Ref{Kind: model.SourceHelm, URL: d.Repository, Chart: d.Name, Version: d.Version}
}

func missing(d helm.Dependency, why string) error {
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "MissingDependency", File: "Chart.yaml",
		Msg:  fmt.Sprintf("dependency %q %s from %s: %s", d.Name, d.Version, d.Repository, why),
		Next: "run `helm dependency build` in the chart's folder and commit charts/",
	}
}
