package pack

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// Fetch downloads the archive of a chart from a repository or a registry.
type Fetch func(ctx context.Context, repository, name, version string) ([]byte, error)

// maxDepth bounds how deep dependencies beside a chart have dependencies beside them.
const maxDepth = 8

// Read reads the chart at dir's path, with what Chart.yaml names and charts/ does not hold put there:
// file:// dependencies from the folders beside the chart, others by fetch. Without fetch these are an
// error. The chart's own folder is left as it is.
func Read(ctx context.Context, dir, chartPath string, fetch Fetch) ([]helm.File, *chart.Chart, error) {
	return read(ctx, dir, chartPath, fetch, 0)
}

func read(ctx context.Context, dir, chartPath string, fetch Fetch, depth int) ([]helm.File, *chart.Chart, error) {
	if depth > maxDepth {
		return nil, nil, missing("", "dependencies go round, or are nested too deep", "")
	}
	files, err := helm.Files(dir, chartPath)
	if err != nil {
		return nil, nil, err
	}
	c, err := helm.LoadFiles(files)
	if err != nil {
		return nil, nil, err
	}
	added := map[string]bool{}
	for _, dep := range c.Metadata.Dependencies {
		if carried(c, dep.Name) || added[dep.Name+dep.Version] {
			continue
		}
		added[dep.Name+dep.Version] = true
		data, version, err := get(ctx, dir, chartPath, c, dep, fetch, depth)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, helm.File{Name: "charts/" + dep.Name + "-" + version + ".tgz", Data: data})
	}
	if len(added) == 0 {
		return files, c, nil
	}
	c, err = helm.LoadFiles(files)
	return files, c, err
}

func carried(c *chart.Chart, name string) bool {
	for _, d := range c.Dependencies() {
		if d.Name() == name {
			return true
		}
	}
	return false
}

// get is the archive of a dependency.
func get(ctx context.Context, dir, chartPath string, c *chart.Chart, dep *chart.Dependency, fetch Fetch, depth int) (data []byte, version string, err error) {
	if rel, ok := strings.CutPrefix(dep.Repository, "file://"); ok {
		at := path.Join(filepath.ToSlash(chartPath), rel)
		if path.IsAbs(rel) || !filepath.IsLocal(at) {
			return nil, "", missing(dep.Name, "its repository "+dep.Repository+" lies outside of the source", "move the chart into the repository")
		}
		files, sub, err := read(ctx, dir, at, fetch, depth+1)
		if err != nil {
			return nil, "", fmt.Errorf("dependency %q: %w", dep.Name, err)
		}
		data, err = Archive(sub.Name(), files)
		return data, sub.Metadata.Version, err
	}
	if fetch == nil || !strings.Contains(dep.Repository, "://") {
		return nil, "", missing(dep.Name, "it is not in charts/", "-u fetches what Chart.yaml names, from the URLs it gives")
	}
	want := dep.Version
	if c.Lock != nil {
		for _, l := range c.Lock.Dependencies {
			if l.Name == dep.Name && l.Repository == dep.Repository {
				want = l.Version
			}
		}
	}
	if data, err = fetch(ctx, dep.Repository, dep.Name, want); err != nil {
		return nil, "", fmt.Errorf("dependency %q: %w", dep.Name, err)
	}
	sub, err := helm.LoadArchive(data)
	if err != nil {
		return nil, "", fmt.Errorf("dependency %q: %w", dep.Name, err)
	}
	return data, sub.Metadata.Version, nil
}

func missing(name, why, next string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "MissingDependency", File: chartFile, Msg: fmt.Sprintf("dependency %q: %s", name, why), Next: next}
}
