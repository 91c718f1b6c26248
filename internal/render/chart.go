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

// chart renders a chart, fetching what it depends on as far as it turns out to be missing. looked says
// that it asked the cluster for something.
func (r *Renderer) chart(ctx context.Context, t task) (rendered model.Rendered, looked bool, err error) {
	dir, err := filepath.Abs(t.artifact.Dir) // a worker's folder is another
	if err != nil {
		return model.Rendered{}, false, fmt.Errorf("finding artifact: %w", err)
	}
	beside := t.artifact.Beside
	if beside != "" {
		if beside, err = filepath.Abs(beside); err != nil {
			return model.Rendered{}, false, fmt.Errorf("finding artifact: %w", err)
		}
	}
	req := helm.Request{
		Dir: dir, Path: t.artifact.Path, Digest: cmp.Or(t.artifact.Chart, t.artifact.Digest), Beside: beside,
		Name: t.release.Name, Namespace: t.release.Namespace, Values: t.release.Values,
		IsUpgrade: t.options.IsUpgrade, Revision: t.options.Revision,
		Capabilities: t.capabilities, MaxOutput: r.o.Limits.Output, CRDText: t.options.CRDText,
	}
	req.Looks = r.lookUp != nil
	eyes := &eyes{release: t.release, bytes: maxFound, time: lookupTime, unseen: map[helm.Lookup]error{}}
	for range maxFetchRounds {
		rendered, err := r.looking(ctx, &req, eyes)
		var need *helm.NeedDependencies
		if !errors.As(err, &need) {
			return rendered, len(req.Found) > 0, err
		}
		for _, d := range need.Missing {
			fetched, err := r.fetch(ctx, d)
			if err != nil {
				return model.Rendered{}, false, err
			}
			req.Dependencies = append(req.Dependencies, fetched)
		}
	}
	return model.Rendered{}, false, missing(req.Dependencies[len(req.Dependencies)-1], "dependencies of dependencies are nested too deep")
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
