package helm

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// complete adds the dependencies that Chart.yaml names and charts/ does not hold, as
// `helm dependency build` would have done: file:// ones from the artifact, others from fetched.
// What nobody fetched is told in a *NeedDependencies.
func complete(root *os.Root, chartPath string, c *chart.Chart, fetched []Dependency) error {
	var missing []Dependency
	if err := completeAt(root, chartPath, c, fetched, &missing, 0); err != nil {
		return err
	}
	if len(missing) > 0 {
		return &NeedDependencies{Missing: missing}
	}
	return nil
}

func completeAt(root *os.Root, chartPath string, c *chart.Chart, fetched []Dependency, missing *[]Dependency, depth int) error {
	if depth > maxDepth {
		return dependencyError(c.Name(), "dependencies go round, or are nested too deep", "")
	}
	added := map[string]bool{} // one chart can be there under several aliases
	for _, dep := range c.Metadata.Dependencies {
		want := lockedVersion(c, dep)
		id := strings.Join([]string{want.Name, want.Version, want.Repository}, " ")
		if carried(c, dep) || added[id] {
			continue
		}
		added[id] = true
		sub, err := find(root, chartPath, want, fetched, depth)
		if err != nil {
			return err
		}
		if sub == nil {
			*missing = append(*missing, want)
			continue
		}
		if err := checkVersion(dep, sub); err != nil {
			return err
		}
		c.AddDependency(sub)
	}
	settle(c)
	return nil
}

func carried(c *chart.Chart, dep *chart.Dependency) bool {
	for _, d := range c.Dependencies() {
		if d.Name() == dep.Name {
			return true
		}
	}
	return false
}

// lockedVersion is the dependency with the version that Chart.lock settled on, when there is one.
func lockedVersion(c *chart.Chart, dep *chart.Dependency) Dependency {
	d := Dependency{Name: dep.Name, Version: dep.Version, Repository: strings.TrimSuffix(dep.Repository, "/")}
	if c.Lock == nil {
		return d
	}
	for _, l := range c.Lock.Dependencies {
		if l.Name == dep.Name && chartutil.IsCompatibleRange(dep.Version, l.Version) {
			d.Version = l.Version
		}
	}
	return d
}

// find is the dependency's chart, or nil when it has to be fetched first.
func find(root *os.Root, chartPath string, want Dependency, fetched []Dependency, depth int) (*chart.Chart, error) {
	if rel, ok := strings.CutPrefix(want.Repository, "file://"); ok {
		return local(root, path.Join(filepath.ToSlash(chartPath), rel), rel, want, fetched, depth)
	}
	if want.Repository == "" {
		return nil, dependencyError(want.Name, "it is not in charts/ and has no repository",
			"run `helm dependency build` and commit charts/, or give it a repository in Chart.yaml")
	}
	if !strings.Contains(want.Repository, "://") {
		return nil, dependencyError(want.Name, fmt.Sprintf("its repository %q is an alias that only the author's machine knows", want.Repository),
			"write the repository's URL in Chart.yaml")
	}
	for _, f := range fetched {
		if f.Same(want) {
			return Load(f.Dir, f.Path)
		}
	}
	return nil, nil
}

func local(root *os.Root, chartPath, written string, want Dependency, fetched []Dependency, depth int) (*chart.Chart, error) {
	if path.IsAbs(written) || !filepath.IsLocal(path.Clean(chartPath)) {
		return nil, dependencyError(want.Name, fmt.Sprintf("its repository file://%s lies outside of the source", written),
			"move the chart into the repository, or commit it in charts/")
	}
	sub, err := load(root, chartPath)
	if model.KindOf(err) == model.ErrNotFound {
		return nil, dependencyError(want.Name, fmt.Sprintf("there is no chart at its repository file://%s", written), "check the path: it counts from the chart's folder")
	}
	if err != nil {
		return nil, err
	}
	var missing []Dependency
	if err := completeAt(root, chartPath, sub, fetched, &missing, depth+1); err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, &NeedDependencies{Missing: missing}
	}
	return sub, nil
}

func checkVersion(dep *chart.Dependency, sub *chart.Chart) error {
	if dep.Version == "" || chartutil.IsCompatibleRange(dep.Version, sub.Metadata.Version) {
		return nil
	}
	return dependencyError(dep.Name, fmt.Sprintf("version %s was found, Chart.yaml wants %s", sub.Metadata.Version, dep.Version), "change one of the two")
}

func dependencyError(name, msg, next string) error {
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "MissingDependency", File: "Chart.yaml",
		Msg: fmt.Sprintf("dependency %q: %s", name, msg), Next: next,
	}
}
