package pipeline

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// imageValues finds by which of the chart's values an image is chosen: a map with a repository.
func (t *tree) imageValues(s *Spec, want string) error {
	file := path.Join(s.Chart, "values.yaml")
	text, err := t.read(file)
	if err != nil {
		return err
	}
	var values map[string]any
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: file, Msg: "it cannot be read", Err: err}
	}
	found := repositories(values, "")
	keys := slices.Sorted(maps.Keys(found))
	s.ImageKey = want
	switch {
	case want != "":
	case found["image"] != nil:
		s.ImageKey = "image"
	case len(keys) == 1:
		s.ImageKey = keys[0]
	case len(keys) > 1:
		return choose("image in "+file, "--image-key", keys)
	}
	at := found[s.ImageKey]
	if at == nil {
		return noImageValue(file, first(s.ImageKey, "image")+".repository", keys)
	}
	if !t.takes(s, at, "tag") {
		return noImageValue(file, s.ImageKey+".tag", keys)
	}
	s.HasDigest = t.takes(s, at, "digest")
	return nil
}

func noImageValue(file, value string, keys []string) error {
	next := "--image-key names the value that holds repository and tag of the image"
	if len(keys) > 0 {
		next += ": " + strings.Join(keys, ", ")
	}
	return &model.Error{Kind: model.ErrInvalid, Reason: "NoImageValue", File: file,
		Msg: fmt.Sprintf("there is no value %s: the pipeline could not say which image to deploy", value), Next: next}
}

// repositories are all maps among values that have a repository, by their path.
func repositories(values map[string]any, prefix string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for key, v := range values {
		m, ok := v.(map[string]any)
		if !ok || !valueKey.MatchString(key) {
			continue
		}
		if _, ok := m["repository"].(string); ok {
			out[prefix+key] = m
		}
		maps.Copy(out, repositories(m, prefix+key+"."))
	}
	return out
}

// takes reports whether the chart knows a value of the image: it has a default, or a template that
// reads it.
func (t *tree) takes(s *Spec, image map[string]any, key string) bool {
	if _, ok := image[key]; ok {
		return true
	}
	for _, f := range t.files {
		if !below(f, path.Join(s.Chart, "templates")) {
			continue
		}
		text, err := t.read(f)
		if err == nil && strings.Contains(text, ".Values."+s.ImageKey+"."+key) {
			return true
		}
	}
	return false
}
