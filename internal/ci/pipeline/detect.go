package pipeline

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Detect finds out what o leaves open by looking at the repository.
func Detect(fsys fs.FS, o Options) (*Spec, error) {
	t, err := readTree(fsys)
	if err != nil {
		return nil, err
	}
	s := &Spec{Provider: o.Provider, RunnerImage: o.RunnerImage, HealthPath: first(o.HealthPath, "/health"), Said: o.Said}
	if s.Chart, s.Name, err = t.chart(o.Chart); err != nil {
		return nil, err
	}
	if o.Name != "" {
		s.Name = o.Name
	}
	if err := t.image(s, o); err != nil {
		return nil, err
	}
	origin, err := readOrigin(fsys)
	if err != nil {
		return nil, err
	}
	origin.apply(s, o)
	setRegistry(s, o)
	if s.Tests, s.Packages, err = t.tests(path.Dir(s.Dockerfile), o.Tests); err != nil {
		return nil, err
	}
	s.Packages = append(s.Packages, o.Packages...)
	slices.Sort(s.Packages)
	s.Packages = slices.Compact(s.Packages)
	if s.Environments, err = t.environments(s, o); err != nil {
		return nil, err
	}
	return s, s.validate()
}

// chart is the folder of the application's chart, and its name.
func (t *tree) chart(want string) (folder, name string, err error) {
	if want != "" {
		want = path.Clean(want)
		if name, _, err = t.readChart(want); err != nil {
			return "", "", err
		}
		return want, name, nil
	}
	var found []string
	for _, f := range t.named("Chart.yaml") {
		folder := path.Dir(f)
		n, kind, err := t.readChart(folder)
		if err != nil {
			return "", "", err
		}
		inside := slices.ContainsFunc(found, func(other string) bool { return below(folder, other) })
		if kind == "library" || inside { // a subchart
			continue
		}
		found, name = append(found, folder), n
	}
	switch len(found) {
	case 0:
		return "", "", &model.Error{Kind: model.ErrNotFound, Reason: "NoChart", Msg: "there is no chart in this repository (no Chart.yaml)",
			Next: "helm create charts/NAME makes one; --chart names one that was not found"}
	case 1:
		return found[0], name, nil
	}
	return "", "", choose("chart", "--chart", found)
}

func (t *tree) readChart(folder string) (name, kind string, err error) {
	file := path.Join(folder, "Chart.yaml")
	text, err := t.read(file)
	if err != nil {
		return "", "", &model.Error{Kind: model.ErrNotFound, Reason: "NoChart", Msg: folder + " is no chart", Err: err}
	}
	var c struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return "", "", &model.Error{Kind: model.ErrInvalid, Reason: "NoChart", File: file, Msg: "it cannot be read", Err: err}
	}
	return c.Name, c.Type, nil
}

func choose(what, flag string, found []string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "Ambiguous", Msg: fmt.Sprintf("there is more than one %s: %s", what, strings.Join(found, ", ")),
		Next: "say which with " + flag}
}

// image finds the Dockerfile, and by which of the chart's values an image is chosen.
func (t *tree) image(s *Spec, o Options) error {
	var err error
	if s.Dockerfile, err = t.dockerfile(o.Dockerfile, s.Name); err != nil {
		return err
	}
	s.Context = path.Dir(s.Dockerfile)
	if o.Context != "" {
		s.Context = path.Clean(o.Context)
	}
	if err := t.readDockerfile(s); err != nil {
		return err
	}
	return t.imageValues(s, o.ImageKey)
}

// dockerfile finds the application's: those of other images stand below it, or under ci/.
func (t *tree) dockerfile(want, name string) (string, error) {
	if want != "" {
		want = path.Clean(want)
		if !t.has[want] {
			return "", &model.Error{Kind: model.ErrNotFound, Reason: "NoDockerfile", Msg: want + " is no file of this repository"}
		}
		return want, nil
	}
	var found []string
	for _, f := range t.named("Dockerfile", "Containerfile") {
		inside := slices.ContainsFunc(found, func(other string) bool { return below(path.Dir(f), path.Dir(other)) })
		if !inside && f != runnerDockerfile {
			found = append(found, f)
		}
	}
	if len(found) > 1 {
		if own := slices.IndexFunc(found, func(f string) bool { return path.Base(path.Dir(f)) == name }); own >= 0 {
			return found[own], nil
		}
		return "", choose("Dockerfile", "--dockerfile", found)
	}
	if len(found) == 0 {
		return "", &model.Error{Kind: model.ErrNotFound, Reason: "NoDockerfile", Msg: "there is no Dockerfile in this repository",
			Next: "the pipeline builds the application's image: add a Dockerfile, or name it with --dockerfile"}
	}
	return found[0], nil
}

// readDockerfile finds the build argument by which the base image can be chosen, if there is one, and
// whether the image needs Docker's format.
func (t *tree) readDockerfile(s *Spec) error {
	text, err := t.read(s.Dockerfile)
	if err != nil {
		return err
	}
	args, based := map[string]bool{}, false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch strings.ToUpper(words[0]) {
		case "ARG":
			name, _, _ := strings.Cut(words[1], "=")
			args[name] = true
		case "FROM":
			name := strings.Trim(words[1], "${}")
			if !based && strings.HasPrefix(words[1], "$") && args[name] {
				s.BaseArg = name
			}
			based = true
		case "HEALTHCHECK":
			s.DockerFormat = true
		}
	}
	return nil
}
