package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// values judges the values files themselves: secrets in the open, misspelt names, and whether the
// schema would catch those.
func (r *run) values() error {
	defaults := r.subject.chart.Values
	r.secretValues("values.yaml", defaults)
	for _, c := range r.cases {
		if c.Kind != CaseValues || len(c.Layers) == 0 || c.Layers[0].Sensitive {
			continue
		}
		text, err := r.subject.read(c.Name)
		if err != nil {
			return err
		}
		var values map[string]any
		if err := yaml.Unmarshal(text, &values); err != nil {
			continue // rendering has said so, with the line
		}
		r.secretValues(c.Name, values)
		r.misspelt(c, values, defaults, nil)
	}
	r.schemaItself()
	return nil
}

// misspelt looks for names that values.yaml does not have, beside one that is nearly the same. Maps
// that are empty in values.yaml take any name.
func (r *run) misspelt(c Case, values, defaults map[string]any, at []string) {
	for _, key := range sortedKeys(values) {
		path := append(slices.Clone(at), key)
		known, ok := defaults[key]
		if ok {
			below, isMap := values[key].(map[string]any)
			knownBelow, _ := known.(map[string]any)
			if isMap && len(knownBelow) > 0 {
				r.misspelt(c, below, knownBelow, path)
			}
			continue
		}
		near := kubeschema.Nearest(key, sortedKeys(defaults))
		if _, set := values[near]; near == "" || set || len(key) < 4 || r.used(path) {
			continue
		}
		line := r.subject.valueLine(c.Name, path)
		if r.found.has("schema", c.Name, line) {
			continue // the schema has caught it
		}
		r.found.add(Finding{Rule: "misspelt-value", File: c.Name, Line: line, Field: strings.Join(path, "."),
			Message: fmt.Sprintf("%s is not in values.yaml and no template uses it; did you mean %q?", strings.Join(path, "."), near), Cases: []string{c.Name}})
	}
}

// used reports whether a template speaks of a value, or passes the map that holds it on.
func (r *run) used(path []string) bool {
	whole := ".Values." + strings.Join(path, ".")
	for file, lines := range r.subject.texts {
		if !strings.Contains(file, "templates/") {
			continue
		}
		if slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, whole) || strings.Contains(l, "."+path[len(path)-1]) }) {
			return true
		}
	}
	return false
}

// schemaItself judges values.schema.json: that it is there, and closed.
func (r *run) schemaItself() {
	const file = "values.schema.json"
	text := r.subject.chart.Schema
	if len(r.subject.chart.Values) == 0 || r.subject.chart.Metadata.Type == "library" {
		return
	}
	if text == nil {
		r.found.add(Finding{Rule: "schema-missing", File: "values.yaml", Message: "there is no values.schema.json: a misspelt value is kept in silence"})
		return
	}
	var top map[string]any
	if err := json.Unmarshal(text, &top); err != nil {
		line := 1
		if e, ok := err.(*json.SyntaxError); ok {
			line += bytes.Count(text[:min(int(e.Offset), len(text))], []byte{'\n'})
		}
		r.found.add(Finding{Rule: "schema", File: file, Line: line, Message: "not valid JSON: " + err.Error(), Fix: "mend it, or let fairlead chart schema write it"})
		return
	}
	if top["additionalProperties"] == nil && top["unevaluatedProperties"] == nil && top["$ref"] == nil {
		r.found.add(Finding{Rule: "schema-missing", File: file, Line: 1, Message: "the schema lets unknown values through: it has no additionalProperties: false"})
	}
}

// maxDefinitions is how many files with definitions are read.
const maxDefinitions = 1_000

// definitions reads the CustomResourceDefinitions in files and folders.
func definitions(places []string) ([]*kubeschema.Kind, error) {
	var all []*kubeschema.Kind
	for _, p := range places {
		files := 0
		err := filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			ext := filepath.Ext(name)
			if err != nil || d.IsDir() || ext != ".yaml" && ext != ".yml" && ext != ".json" {
				return err
			}
			if files++; files > maxDefinitions {
				return fmt.Errorf("more than %d files", maxDefinitions)
			}
			kinds, err := definitionsIn(name)
			all = append(all, kinds...)
			return err
		})
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidDefinitions", Msg: fmt.Sprintf("reading CustomResourceDefinitions in %s", p), Err: err,
				Next: "--crd takes a folder or a file with CustomResourceDefinitions"}
		}
	}
	return all, nil
}

func definitionsIn(name string) ([]*kubeschema.Kind, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := readAll(f, name)
	if err != nil {
		return nil, err
	}
	var all []*kubeschema.Kind
	for _, doc := range manifest.Split(text) {
		objects, err := manifest.Decode(doc.Text, nil)
		if err != nil {
			return nil, manifest.At(err, name, doc.Line, doc.FirstLine())
		}
		for _, m := range objects {
			o, err := newObject(m)
			if err != nil {
				return nil, err
			}
			kinds, _ := kubeschema.CustomKind(o.Body)
			all = append(all, kinds...)
		}
	}
	return all, nil
}
