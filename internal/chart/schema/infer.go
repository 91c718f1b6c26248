package schema

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// open are the keys whose maps Kubernetes leaves to its users, or has a long schema of its own for.
var open = []string{
	"annotations", "labels", "matchlabels", "nodeselector", "resources", "limits", "requests", "affinity",
	"securitycontext", "podsecuritycontext", "containersecuritycontext", "global", "strategy", "updatestrategy",
	"livenessprobe", "readinessprobe", "startupprobe", "dnsconfig", "data", "stringdata", "env", "envvars", "extraenv", "selector",
}

// isOpen reports whether a map with this key takes keys of any name.
func isOpen(key string) bool {
	k := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
	return slices.Contains(open, k) || strings.HasSuffix(k, "annotations") || strings.HasSuffix(k, "labels") ||
		strings.HasSuffix(k, "selector") || strings.HasSuffix(k, "resources") || strings.HasSuffix(k, "securitycontext") || strings.HasSuffix(k, "probe")
}

// mapping infers the schema of a map; closed says whether keys it does not have are refused.
func mapping(node *yaml.Node, closed bool) *object {
	s := newObject().set("type", "object")
	if len(node.Content) == 0 {
		return s
	}
	properties := newObject()
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Value == "<<" && key.Tag == "!!merge" {
			for _, m := range merged(value) {
				if from := mapping(m, closed).sub("properties"); from != nil {
					for _, name := range from.keys {
						properties.set(name, from.get(name))
					}
				}
			}
			continue
		}
		properties.set(key.Value, property(key, value))
	}
	if closed {
		s.set("additionalProperties", false)
	}
	return s.set("properties", properties)
}

// merged are the maps that a YAML merge key brings in.
func merged(n *yaml.Node) []*yaml.Node {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		return []*yaml.Node{n}
	case yaml.SequenceNode:
		var all []*yaml.Node
		for _, c := range n.Content {
			all = append(all, merged(c)...)
		}
		return all
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// property infers the schema of a value from it and from what is said of it.
func property(key, value *yaml.Node) *object {
	h := readComment(key, value)
	value = resolve(value)
	s := newObject()
	switch value.Kind {
	case yaml.MappingNode:
		if isOpen(key.Value) || numericKeys(value) {
			s.set("type", "object")
		} else {
			s = mapping(value, true)
		}
	case yaml.SequenceNode:
		s = list(value)
	default:
		scalar(s, value, h)
	}
	if h.description != "" {
		s.set("description", h.description)
	}
	for _, k := range keywords {
		if v, ok := h.schema[k]; ok {
			s.set(k, plain(v))
			if k == "enum" || k == "const" || k == "anyOf" || k == "oneOf" {
				if _, typed := h.schema["type"]; !typed {
					s.remove("type")
				}
			}
		}
	}
	first(s, "type", "description")
	return s
}

// numericKeys reports whether keys are data, as ports and statuses are.
func numericKeys(n *yaml.Node) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if tag := n.Content[i].Tag; tag != "!!int" && tag != "!!float" {
			return false
		}
	}
	return len(n.Content) > 0
}

func scalar(s *object, value *yaml.Node, h hint) {
	t := scalarType(value)
	if t == "null" {
		// Anything, unless somebody said what: null alone would refuse every value but none.
		if len(h.types) > 0 {
			s.set("type", []any{h.types[0], "null"})
		}
		return
	}
	if t == "string" && len(h.enum) > 0 {
		if slices.Contains(h.enum, any(value.Value)) {
			s.set("type", t).set("enum", h.enum)
			return
		}
	}
	if len(h.types) > 0 && h.types[0] != t && value.Value != "" {
		t = join(t, h.types[0])
	}
	if value.Value == "" && len(h.types) > 0 && h.types[0] != "string" {
		s.set("type", []any{h.types[0], "string"})
		return
	}
	s.set("type", t)
}

// join is the type of two: only a whole number is a number too.
func join(a, b string) string {
	if a == "integer" && b == "number" || a == "number" && b == "integer" {
		return "number"
	}
	return a
}

func scalarType(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!bool":
		return "boolean"
	case "!!int":
		return "integer"
	case "!!float":
		return "number"
	}
	return "string"
}

// list infers items only where all are scalars of one type: an object in a list is an example.
func list(n *yaml.Node) *object {
	s := newObject().set("type", "array")
	t := ""
	for _, item := range n.Content {
		item = resolve(item)
		it := "object"
		switch item.Kind {
		case yaml.SequenceNode:
			it = "array"
		case yaml.ScalarNode:
			it = scalarType(item)
		}
		if t != "" && t != it || it == "null" {
			return s
		}
		t = it
	}
	if t != "" {
		s.set("items", newObject().set("type", t))
	}
	return s
}

// plain turns what YAML gave into what an object holds.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := newObject()
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			o.set(k, plain(v[k]))
		}
		return o
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = plain(v[i])
		}
		return all
	}
	return v
}

// first puts keys to the front.
func first(o *object, keys ...string) {
	var front []string
	for _, k := range keys {
		if o.has(k) {
			front = append(front, k)
		}
	}
	rest := slices.DeleteFunc(slices.Clone(o.keys), func(k string) bool { return slices.Contains(front, k) })
	o.keys = append(front, rest...)
}
