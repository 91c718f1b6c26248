package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// maxFile is how much of a values, configuration or definition file is read.
const maxFile = 8 << 20

// subject is the chart under test, as it lies on disk.
type subject struct {
	chart    *chart.Chart
	artifact model.Artifact
	dir      string // the chart's folder; empty for an archive
	// texts are the templates and values files by their place below the chart's folder.
	texts map[string][]string
}

// open reads a chart from a folder or an archive.
func open(place string) (*subject, error) {
	full, err := filepath.Abs(place)
	if err != nil {
		return nil, fmt.Errorf("finding the chart: %w", err)
	}
	info, err := os.Stat(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &model.Error{Kind: model.ErrNotFound, Reason: "ChartNotFound", Msg: fmt.Sprintf("there is no %s", place),
			Next: "give the folder that holds Chart.yaml, or an archive made by helm package"}
	}
	if err != nil {
		return nil, fmt.Errorf("finding the chart: %w", err)
	}
	s := &subject{texts: map[string][]string{}}
	s.artifact = model.Artifact{Dir: filepath.Dir(full), Path: filepath.Base(full), Digest: model.Digest([]byte(full))}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(full, "Chart.yaml")); errors.Is(err, fs.ErrNotExist) {
			return nil, &model.Error{Kind: model.ErrNotFound, Reason: "ChartNotFound", Msg: fmt.Sprintf("%s holds no Chart.yaml", place), Next: "give the folder of a chart"}
		}
		s.dir = full
		if s.chart, err = helm.Load(full, "."); err != nil {
			return nil, err
		}
		if err := s.root(full); err != nil {
			return nil, err
		}
	} else if s.chart, err = helm.Load(s.artifact.Dir, s.artifact.Path); err != nil {
		return nil, err
	}
	s.beside()
	s.keep(s.chart, "")
	return s, nil
}

// beside adds the charts that lie beside this one and belong to it. One that cannot be read is told
// of when the chart is rendered.
func (s *subject) beside() {
	for _, d := range s.chart.Metadata.Dependencies {
		rel, ok := strings.CutPrefix(d.Repository, "file://")
		if !ok || s.dir == "" || slices.ContainsFunc(s.chart.Dependencies(), func(c *chart.Chart) bool { return c.Name() == d.Name }) {
			continue
		}
		if sub, err := helm.Load(s.artifact.Dir, path.Join(s.artifact.Path, rel)); err == nil {
			s.chart.AddDependency(sub)
		}
	}
}

// root chooses what of the disk belongs to the chart: its folder, or all of the repository when it
// depends on charts beside it.
func (s *subject) root(full string) error {
	s.artifact.Dir, s.artifact.Path = full, "."
	beside := slices.ContainsFunc(s.chart.Metadata.Dependencies, func(d *chart.Dependency) bool {
		return strings.HasPrefix(d.Repository, "file://..")
	})
	if !beside {
		return nil
	}
	for dir := filepath.Dir(full); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return s.below(dir, full)
		}
		if dir == filepath.Dir(dir) {
			return s.below(filepath.Dir(full), full)
		}
	}
}

func (s *subject) below(dir, full string) error {
	rel, err := filepath.Rel(dir, full)
	if err != nil {
		return fmt.Errorf("finding the chart: %w", err)
	}
	s.artifact.Dir, s.artifact.Path = dir, filepath.ToSlash(rel)
	return nil
}

// keep remembers the lines of templates. A subchart's templates are named by its
// alias when they are rendered, and lie in a folder of its own name.
func (s *subject) keep(c *chart.Chart, at string) {
	for _, t := range c.Templates {
		s.texts[at+t.Name] = strings.Split(string(t.Data), "\n")
	}
	for _, d := range c.Dependencies() {
		for _, name := range namesOf(c, d) {
			s.keep(d, at+"charts/"+name+"/")
		}
	}
}

// read gives a file of the chart. A missing one is nil.
func (s *subject) read(name string) ([]byte, error) {
	if s.dir == "" {
		for _, f := range s.chart.Files {
			if f.Name == name {
				return f.Data, nil
			}
		}
		return nil, nil
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, fmt.Errorf("opening the chart: %w", err)
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer f.Close()
	return readAll(f, name)
}

func readAll(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "FileTooLarge", File: name, Msg: fmt.Sprintf("larger than %d MiB", maxFile>>20)}
	}
	return text, nil
}

// valuesFiles are the chart's values files beside values.yaml, also those that .helmignore keeps
// out of the package.
func (s *subject) valuesFiles() ([]string, error) {
	var names []string
	if s.dir == "" {
		for _, f := range s.chart.Files {
			if isValuesFile(f.Name) {
				names = append(names, f.Name)
			}
		}
	} else {
		for _, sub := range []string{"", "values", "ci"} {
			entries, err := os.ReadDir(filepath.Join(s.dir, sub))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("looking for values files: %w", err)
			}
			for _, e := range entries {
				if name := path.Join(sub, e.Name()); !e.IsDir() && isValuesFile(name) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	for _, n := range append(slices.Clone(names), "values.yaml") {
		text, err := s.read(n)
		if err != nil {
			return nil, err
		}
		if text != nil {
			s.texts[n] = strings.Split(string(text), "\n")
		}
	}
	return names, nil
}
