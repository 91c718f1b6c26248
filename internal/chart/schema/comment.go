package schema

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// hint is what a comment says of a value.
type hint struct {
	description string
	types       []string // "(int)" of helm-docs
	enum        []any
	schema      map[string]any // of a @schema annotation
}

// readComment reads the comment above a key, or beside its value.
func readComment(key, value *yaml.Node) hint {
	text := key.HeadComment
	if strings.TrimSpace(text) == "" {
		for _, c := range []string{value.LineComment, key.LineComment} {
			if strings.TrimSpace(c) != "" {
				text = c
				break
			}
		}
	}
	var h hint
	var lines []string
	raw := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	for i := 0; i < len(raw); i++ {
		line := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(raw[i]), "#"))
		switch {
		case line == "@schema":
			end := slices.IndexFunc(raw[i+1:], func(l string) bool {
				return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(l), "#")) == "@schema"
			})
			if end >= 0 {
				h.annotate(block(raw[i+1 : i+1+end]))
				i += end + 1
			}
		case strings.HasPrefix(line, "@schema "):
			h.annotate(inline(strings.TrimPrefix(line, "@schema ")))
		case strings.HasPrefix(line, "@"): // other tools' annotations: @default, @section, @ignore, @param
		case line == "":
			lines = nil // a paragraph before is about something else
		case strings.HasPrefix(line, "-- "), line == "--":
			lines = []string{strings.TrimSpace(strings.TrimPrefix(line, "--"))} // helm-docs: here it begins
		default:
			lines = append(lines, line)
		}
	}
	h.describe(lines)
	return h
}

// block is an annotation of several lines: YAML between two "@schema".
func block(lines []string) map[string]any {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(l), "#"), " ") + "\n")
	}
	var m map[string]any
	if yaml.Unmarshal([]byte(b.String()), &m) != nil {
		return nil
	}
	return m
}

// inline is an annotation of one line: "type:[string,null]; enum:[a,b]".
func inline(text string) map[string]any {
	m := map[string]any{}
	for _, part := range strings.Split(text, ";") {
		key, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		var v any
		if yaml.Unmarshal([]byte(strings.TrimSpace(value)), &v) == nil {
			m[strings.TrimSpace(key)] = v
		}
	}
	return m
}

// keywords are those of draft 7 that an annotation may give.
var keywords = []string{
	"type", "title", "description", "default", "enum", "const", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
	"exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
	"required", "items", "additionalProperties", "patternProperties", "properties", "anyOf", "oneOf", "allOf", "examples",
}

func (h *hint) annotate(m map[string]any) {
	for k, v := range m {
		if slices.Contains(keywords, k) {
			if h.schema == nil {
				h.schema = map[string]any{}
			}
			h.schema[k] = v
		}
	}
}

var (
	// helmDocsType is the type that helm-docs reads: "-- (int) how many".
	helmDocsType = pattern.New(`^\((string|int|integer|float|number|bool|boolean|list|array|object|dict|map|tpl/\w+|\w+/\w+)\)\s*`)
	// outcommented is a line that was YAML once.
	outcommented = pattern.New(`^(- )?["']?[A-Za-z0-9_.\-/]+["']?:(\s|$)|^- |^[{}\[\]]+$`)
	ruler        = pattern.New(`^[-=*#_~ ]+$`)
)

func (h *hint) describe(lines []string) {
	lines = slices.DeleteFunc(lines, func(l string) bool { return outcommented.MatchString(l) || ruler.MatchString(l) })
	text := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
	if m := helmDocsType.FindStringSubmatch(text); m != nil {
		if t, ok := docTypes[m[1]]; ok {
			h.types = []string{t}
		}
		text = strings.TrimSpace(text[len(m[0]):])
	}
	h.description = text
	h.enum = choices(text)
}

var docTypes = map[string]string{
	"string": "string", "int": "integer", "integer": "integer", "float": "number", "number": "number",
	"bool": "boolean", "boolean": "boolean", "list": "array", "array": "array", "object": "object", "dict": "object", "map": "object",
}

const word = `["'\x60]?[A-Za-z0-9][\w.\-/]*["'\x60]?`

// oneOf are the ways in which comments list what a value can be: "one of a, b or c", "either a or b",
// and a sentence that is nothing but such a list: "Always, IfNotPresent or Never."
var oneOf = []*pattern.Regexp{
	pattern.New(`(?i)\b(?:one of|either|can be|must be|valid values(?: are)?|allowed values(?: are)?|possible values(?: are)?|options(?: are)?)\b:?\s+[(\[]?(` + word + `(?:(?:\s*[,|]\s*(?:or\s+|and\s+)?|\s+or\s+|\s+and\s+)` + word + `)+)`),
	pattern.New(`^(` + word + `(?:,\s+` + word + `)*,?\s+or\s+` + word + `)(?:[.;:,)]|$)`),
}

var (
	separator = pattern.New(`\s*[,|]\s*(?:or\s+|and\s+)?|\s+or\s+|\s+and\s+`)
	orEmpty   = pattern.New(`(?i)\b(empty|unset|not set|blank)\b`)
)

// choices are the values that a comment lists; whether they fit the value the caller looks.
func choices(text string) []any {
	for _, form := range oneOf {
		m := form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		var all []any
		for _, w := range separator.Split(m[1], -1) {
			if w = strings.TrimRight(strings.Trim(w, "\"'`"), "."); w != "" {
				all = append(all, w)
			}
		}
		if len(all) > 1 {
			if orEmpty.MatchString(text) {
				all = append(all, "")
			}
			return all
		}
	}
	return nil
}
