package schema

import (
	"fmt"
	"slices"
)

// combined are keywords that say more than types and properties: a schema with one of them was
// thought about, and is left alone.
var combined = []string{"$ref", "anyOf", "oneOf", "allOf", "not", "if", "const"}

// merge adds to an existing schema what it does not say. notes tell what differs; at is the path.
func merge(existing, inferred *object, at string) (notes []string) {
	if slices.ContainsFunc(combined, existing.has) {
		return nil
	}
	if have, want := existing.get("type"), inferred.get("type"); have != nil && want != nil && !accepts(have, want) {
		notes = append(notes, fmt.Sprintf("%s: the schema says %s, values.yaml holds %s; the schema's is kept", name(at), words(have), words(want)))
		return notes
	}
	for _, k := range inferred.keys {
		switch k {
		case "properties", "additionalProperties":
		case "enum", "items":
			// A guess from a comment or an example narrows nothing that somebody wrote.
		default:
			if !existing.has(k) {
				existing.set(k, inferred.get(k))
			}
		}
	}
	theirs, ours := existing.sub("properties"), inferred.sub("properties")
	if ours == nil {
		return notes
	}
	if theirs == nil {
		if existing.has("additionalProperties") || existing.has("patternProperties") {
			return notes // a map of anything: said on purpose
		}
		theirs = newObject()
		existing.set("properties", theirs)
	}
	for _, k := range ours.keys {
		sub, ok := ours.get(k).(*object)
		if !ok {
			continue
		}
		if have := theirs.sub(k); have != nil {
			notes = append(notes, merge(have, sub, at+k+".")...)
			continue
		}
		if theirs.has(k) {
			continue // true or false
		}
		theirs.set(k, sub)
		notes = append(notes, name(at+k+".")+": added")
	}
	for _, k := range theirs.keys {
		if inferred.get("additionalProperties") == false && !ours.has(k) && !(at == "" && k == "global") {
			notes = append(notes, name(at+k+".")+": in the schema, not in values.yaml; kept")
		}
	}
	if inferred.get("additionalProperties") == false && !existing.has("additionalProperties") && !existing.has("patternProperties") {
		existing.set("additionalProperties", false)
		notes = append(notes, name(at)+": closed, other keys are refused now")
	}
	return notes
}

// accepts reports whether a type keyword takes what was found.
func accepts(have, found any) bool {
	types, many := have.([]any)
	if !many {
		types = []any{have}
	}
	wants, several := found.([]any)
	if !several {
		wants = []any{found}
	}
	return slices.ContainsFunc(wants, func(w any) bool {
		return slices.Contains(types, w) || w == "integer" && slices.Contains(types, any("number"))
	})
}

func words(t any) string {
	list, many := t.([]any)
	if !many {
		return fmt.Sprint(t)
	}
	text := ""
	for i, w := range list {
		if i > 0 {
			text += " or "
		}
		text += fmt.Sprint(w)
	}
	return text
}

// name is a path for people.
func name(at string) string {
	if at == "" {
		return "values"
	}
	return at[:len(at)-1]
}
