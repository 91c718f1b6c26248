package schema

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

const (
	fileName   = "values.schema.json"
	valuesFile = "values.yaml"
	draft7     = "http://json-schema.org/draft-07/schema#"
)

// File is a further values file of a chart: values-prod.yaml.
type File struct {
	Name string
	Data []byte
}

// Result is a schema and what should be known of it.
type Result struct {
	Text    []byte
	Changed bool     // it differs from the one that exists
	Notes   []string // what was merged, and how
	Refused []string // values of the chart's own files that it does not accept
}

// Generate makes the schema of a chart from its files and its further values files.
func Generate(files []helm.File, extra []File) (Result, error) {
	c, err := helm.LoadFiles(files)
	if err != nil {
		return Result{}, err
	}
	g := &generator{files: files}
	inferred, err := g.chart("", c)
	if err != nil {
		return Result{}, err
	}
	for _, e := range extra {
		node, err := document(e.Name, e.Data)
		if err != nil {
			return Result{}, err
		}
		for _, path := range widen(inferred, node, "") {
			g.note("%s: only in %s, not in values.yaml", path, e.Name)
		}
	}
	out := inferred
	existing := g.file("", fileName)
	if existing == nil {
		root := newObject().set("$schema", draft7).set("title", "Values of chart "+c.Name())
		for _, k := range inferred.keys {
			root.set(k, inferred.get(k))
		}
		out = root
	} else {
		have, err := parse(existing)
		if err != nil {
			return Result{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidSchema", File: fileName, Msg: "it is no JSON schema", Err: err}
		}
		g.notes = append(g.notes, merge(have, inferred, "")...)
		out = have
	}
	res := Result{Notes: g.notes}
	if res.Text, err = write(out); err != nil {
		return res, err
	}
	res.Changed = string(existing) != string(res.Text)
	res.Refused, err = g.check(res.Text, extra)
	return res, err
}

// generator infers the schemas of a chart and of those inside of it.
type generator struct {
	files []helm.File
	notes []string
}

func (g *generator) note(format string, args ...any) {
	g.notes = append(g.notes, fmt.Sprintf(format, args...))
}

// file is a file of the chart at a path below this one's folder, nil where there is none.
func (g *generator) file(at, name string) []byte {
	i := slices.IndexFunc(g.files, func(f helm.File) bool { return f.Name == at+name })
	if i < 0 {
		return nil
	}
	return g.files[i].Data
}

// chart infers the schema of the values of one chart.
func (g *generator) chart(at string, c *chart.Chart) (*object, error) {
	s := newObject().set("type", "object").set("additionalProperties", false).set("properties", newObject())
	if text := g.file(at, valuesFile); text != nil {
		node, err := document(at+valuesFile, text)
		if err != nil {
			return nil, err
		}
		if inferred := mapping(node, true); inferred.sub("properties") != nil {
			s = inferred
		}
	}
	properties := s.sub("properties")
	for _, dep := range c.Metadata.Dependencies {
		name := dep.Name
		if dep.Alias != "" {
			name = dep.Alias
		}
		if err := g.section(at, name, dep, c, properties); err != nil {
			return nil, err
		}
		imports(properties, dep, c)
	}
	for _, sub := range c.Dependencies() { // in charts/ and not in Chart.yaml
		if !slices.ContainsFunc(c.Metadata.Dependencies, func(d *chart.Dependency) bool { return d.Name == sub.Name() }) {
			if err := g.section(at, sub.Name(), &chart.Dependency{Name: sub.Name()}, c, properties); err != nil {
				return nil, err
			}
		}
	}
	if !properties.has("global") {
		// Helm gives it to every chart that is part of another.
		properties.set("global", newObject().set("type", "object").set("description", "Values that all subcharts see."))
	}
	return s, nil
}

// section is where a subchart's values are. One whose values.yaml can be read is closed as the chart
// itself is; one that brings its own schema is checked by that.
func (g *generator) section(at, name string, dep *chart.Dependency, c *chart.Chart, into *object) error {
	own := into.sub(name)
	if own == nil {
		own = newObject().set("type", "object")
		into.set(name, own)
	}
	if own.get("type") != "object" {
		return nil
	}
	conditions(into, dep)
	i := slices.IndexFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == dep.Name })
	folder := at + "charts/" + dep.Name + "/"
	if i < 0 || g.file(folder, "Chart.yaml") == nil || g.file(folder, fileName) != nil {
		openAll(own)
		if !own.has("description") {
			own.set("description", "Values of subchart "+dep.Name+".")
		}
		return nil
	}
	sub, err := g.chart(folder, c.Dependencies()[i])
	if err != nil {
		return err
	}
	theirs, ours := sub.sub("properties"), own.sub("properties")
	if ours == nil {
		ours = newObject()
	}
	for _, k := range theirs.keys {
		if !ours.has(k) {
			ours.set(k, theirs.get(k))
			continue
		}
		if have, more := ours.sub(k), theirs.sub(k); have != nil && more != nil {
			adopt(have, more)
		}
	}
	own.set("additionalProperties", false).set("properties", ours)
	return nil
}

// openAll lets a schema take any key at any depth.
func openAll(s *object) {
	if s.get("additionalProperties") == false {
		s.remove("additionalProperties")
	}
	if properties := s.sub("properties"); properties != nil {
		for _, k := range properties.keys {
			if sub := properties.sub(k); sub != nil {
				openAll(sub)
			}
		}
	}
}

// adopt completes what a chart says of a subchart's values by what the subchart says.
func adopt(have, more *object) {
	ours, theirs := have.sub("properties"), more.sub("properties")
	switch {
	case theirs == nil:
		if more.get("type") == "object" { // open there, so open here
			openAll(have)
		}
		return
	case ours == nil:
		return // open here
	}
	for _, k := range theirs.keys {
		if !ours.has(k) {
			ours.set(k, theirs.get(k))
		} else if a, b := ours.sub(k), theirs.sub(k); a != nil && b != nil {
			adopt(a, b)
		}
	}
}

// conditions adds the switches that Chart.yaml names: "postgresql.enabled" and tags.
func conditions(into *object, dep *chart.Dependency) {
	for _, path := range strings.Split(dep.Condition, ",") {
		at := into
		parts := strings.Split(strings.TrimSpace(path), ".")
		for i, part := range parts {
			if part == "" || at == nil {
				break
			}
			if i == len(parts)-1 {
				if !at.has(part) {
					at.set(part, newObject().set("type", "boolean").set("description", "Whether subchart "+dep.Name+" is installed."))
				}
				break
			}
			below := at.sub(part)
			if below == nil && !at.has(part) {
				below = newObject().set("type", "object")
				at.set(part, below)
			}
			if below == nil {
				break
			}
			if below.sub("properties") == nil {
				below.set("properties", newObject())
			}
			at = below.sub("properties")
		}
	}
	if len(dep.Tags) > 0 && !into.has("tags") {
		into.set("tags", newObject().set("type", "object").set("additionalProperties", newObject().set("type", "boolean")))
	}
}

// document parses a values file; one that is empty is an empty map.
func document(name string, text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: name, Msg: "not valid YAML", Err: err}
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	root := resolve(doc.Content[0])
	if root.Kind != yaml.MappingNode {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: name, Line: root.Line, Msg: "values must be a map"}
	}
	return root, nil
}
