package schema

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// widen lets a schema accept the values of another file: keys that values.yaml lacks, and other types.
// It gives the paths that were added.
func widen(s *object, node *yaml.Node, at string) (added []string) {
	properties := s.sub("properties")
	if properties == nil {
		return nil // open
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], resolve(node.Content[i+1])
		path := at + key.Value
		have := properties.sub(key.Value)
		if have == nil && s.get("additionalProperties") != false {
			continue // it is accepted as it is
		}
		if have == nil {
			properties.set(key.Value, property(key, value))
			added = append(added, path)
			continue
		}
		if value.Kind == yaml.MappingNode && have.get("type") == "object" {
			added = append(added, widen(have, value, path+".")...)
			continue
		}
		widenType(have, value)
	}
	return added
}

func widenType(have *object, value *yaml.Node) {
	t := map[yaml.Kind]string{yaml.MappingNode: "object", yaml.SequenceNode: "array"}[value.Kind]
	if t == "" {
		t = scalarType(value)
		if enum, ok := have.get("enum").([]any); ok && t == "string" && !slices.Contains(enum, any(value.Value)) {
			have.remove("enum") // the comment does not list all
		}
	}
	if t == "array" {
		if items := have.sub("items"); items != nil {
			if other := list(value).sub("items"); other != nil && other.get("type") != items.get("type") {
				have.remove("items")
			}
		}
	}
	if !have.has("type") || t == "null" { // anything; or taken out, as Helm takes null
		return
	}
	types, many := have.get("type").([]any)
	if !many {
		types = []any{have.get("type")}
	}
	switch {
	case slices.Contains(types, any(t)), t == "integer" && slices.Contains(types, any("number")):
		return
	case t == "number" && slices.Contains(types, any("integer")):
		types[slices.Index(types, any("integer"))] = "number"
	default:
		types = append(types, t)
	}
	if len(types) == 1 {
		have.set("type", types[0])
		return
	}
	have.set("type", types)
}
