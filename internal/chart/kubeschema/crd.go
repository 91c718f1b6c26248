package kubeschema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// CustomKind reads the kinds that a CustomResourceDefinition makes, as far as they are served. The
// second value is false for an object that is none.
func CustomKind(object map[string]any) ([]*Kind, bool) {
	if text(object, "kind") != "CustomResourceDefinition" || !strings.HasPrefix(text(object, "apiVersion"), "apiextensions.k8s.io/") {
		return nil, false
	}
	spec, _ := object["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	var kinds []*Kind
	for _, raw := range versions {
		v, _ := raw.(map[string]any)
		if served, ok := v["served"].(bool); ok && !served {
			continue
		}
		s, _ := v["schema"].(map[string]any)
		t := structural(s["openAPIV3Schema"])
		if t.shape == shapeFields {
			// The API server adds these to what the definition says.
			t.fields["apiVersion"], t.fields["kind"] = &typ{shape: shapeString}, &typ{shape: shapeString}
			t.fields["metadata"] = metadata()
		}
		kinds = append(kinds, &Kind{
			APIVersion: text(spec, "group") + "/" + text(v, "name"), Name: text(names, "kind"),
			Namespaced: text(spec, "scope") == "Namespaced", Custom: true, typ: t,
		})
	}
	return kinds, true
}

func metadata() *typ {
	strs := &typ{shape: shapeMap, elem: &typ{shape: shapeString}}
	return &typ{shape: shapeFields, open: true, fields: map[string]*typ{
		"name": {shape: shapeString}, "namespace": {shape: shapeString}, "labels": strs, "annotations": strs,
	}}
}

// With is the kinds of s and more.
func (s *Schemas) With(kinds []*Kind) *Schemas {
	all := maps.Clone(s.kinds)
	for _, k := range kinds {
		all[k.APIVersion+"/"+k.Name] = k
	}
	return &Schemas{version: s.version, minor: s.minor, kinds: all}
}

// structural reads a structural schema. What it does not understand it lets through: validation
// expressions, oneOf and the like are the API server's.
func structural(raw any) *typ {
	s, ok := raw.(map[string]any)
	if !ok {
		return &typ{shape: shapeAny}
	}
	if yes(s, "x-kubernetes-int-or-string") {
		return &typ{shape: shapeIntOrStr}
	}
	t := &typ{}
	switch text(s, "type") {
	case "object":
		objectType(t, s)
	case "array":
		t.shape, t.elem = shapeArray, structural(s["items"])
		t.keys = texts(s["x-kubernetes-list-map-keys"])
	case "string":
		t.shape, t.enum, t.pattern = shapeString, texts(s["enum"]), text(s, "pattern")
	case "integer":
		t.shape = shapeInt64
		t.min, t.max = number(s["minimum"]), number(s["maximum"])
	case "number":
		t.shape = shapeNumber
		t.min, t.max = number(s["minimum"]), number(s["maximum"])
	case "boolean":
		t.shape = shapeBool
	default:
		t.shape = shapeAny
	}
	return t
}

func objectType(t *typ, s map[string]any) {
	preserve := yes(s, "x-kubernetes-preserve-unknown-fields") || yes(s, "x-kubernetes-embedded-resource")
	properties, _ := s["properties"].(map[string]any)
	switch extra, given := s["additionalProperties"]; {
	case len(properties) > 0:
		t.shape, t.open = shapeFields, preserve || given && extra != false
		t.fields = make(map[string]*typ, len(properties))
		for name, p := range properties {
			t.fields[name] = structural(p)
		}
		t.required = slices.DeleteFunc(texts(s["required"]), func(name string) bool {
			sub, _ := properties[name].(map[string]any)
			return sub["default"] != nil // filled in
		})
	case given && extra != false:
		t.shape, t.elem = shapeMap, structural(extra)
	default:
		t.shape = shapeObject
	}
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func yes(m map[string]any, key string) bool {
	b, _ := m[key].(bool)
	return b
}

func texts(raw any) []string {
	list, _ := raw.([]any)
	var all []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

func number(raw any) *float64 {
	n, ok := raw.(json.Number)
	if !ok {
		return nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil
	}
	return &f
}
