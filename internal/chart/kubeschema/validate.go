package kubeschema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Reason says what is wrong with a field.
type Reason string

// The reasons.
const (
	Unknown   Reason = "unknown"   // there is no such field
	WrongType Reason = "type"      // a string where a number is needed
	Missing   Reason = "missing"   // a required field is not there
	NotOneOf  Reason = "enum"      // a value that the field cannot have
	Twice     Reason = "duplicate" // two elements of a list with the same key
)

// Violation is one thing wrong with an object. Values of the object are quoted only where they are
// one of a closed set, or a number: they could be secret.
type Violation struct {
	Path   Path
	Reason Reason
	Msg    string
	Hint   string // what may have been meant; may be empty
}

// Step is a field, or an element of a list.
type Step struct {
	Field string
	Index int // of a list, where Field is empty
}

// Path leads to a place in an object.
type Path []Step

// String is "spec.containers[0].image".
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Field == "":
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case strings.ContainsAny(s.Field, "./"):
			b.WriteString("[" + strconv.Quote(s.Field) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Field)
		}
	}
	return b.String()
}

// Field is the path of a field below p.
func (p Path) Field(name string) Path { return append(slices.Clip(p), Step{Field: name}) }

// At is the path of an element of the list p.
func (p Path) At(i int) Path { return append(slices.Clip(p), Step{Index: i}) }

// maxViolations of one object are told; after that it is something else altogether.
const maxViolations = 50

// Validate judges an object, decoded with json.Number for numbers.
func (k *Kind) Validate(object map[string]any) []Violation {
	v := &validation{}
	v.value(k.typ, object, nil)
	return v.found
}

type validation struct{ found []Violation }

func (v *validation) add(p Path, r Reason, hint, format string, args ...any) {
	if len(v.found) < maxViolations {
		v.found = append(v.found, Violation{Path: slices.Clone(p), Reason: r, Msg: fmt.Sprintf(format, args...), Hint: hint})
	}
}

// value judges one value. Null is as good as absent to an API server.
func (v *validation) value(t *typ, value any, at Path) {
	if value == nil || t.shape == shapeAny {
		return
	}
	switch t.shape {
	case shapeFields:
		v.fields(t, value, at)
	case shapeArray:
		v.array(t, value, at)
	case shapeMap, shapeObject:
		v.mapping(t, value, at)
	default:
		v.scalar(t, value, at)
	}
}

func (v *validation) fields(t *typ, value any, at Path) {
	m, ok := value.(map[string]any)
	if !ok {
		v.add(at, WrongType, "", "is %s, want a map", describe(value))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if f, ok := t.fields[name]; ok {
			v.value(f, m[name], at.Field(name))
		} else if !t.open {
			v.unknown(t, name, at)
		}
	}
	for _, name := range t.required {
		if _, ok := m[name]; ok || zeroWillDo(t.fields[name]) {
			continue
		}
		v.add(at.Field(name), Missing, "", "is required and missing")
	}
}

// zeroWillDo reports whether a required field may be left out: an API server takes an object
// without required fields of its own as empty.
func zeroWillDo(t *typ) bool {
	return t != nil && t.shape == shapeFields && len(t.required) == 0 && !t.open && t.pattern == ""
}

func (v *validation) unknown(t *typ, name string, at Path) {
	hint := ""
	if near := Nearest(name, slices.Collect(maps.Keys(t.fields))); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if deeper := elsewhere(t, name); deeper != "" {
		hint = fmt.Sprintf("it belongs in %s", deeper)
	}
	v.add(at.Field(name), Unknown, hint, "there is no such field")
}

func (v *validation) array(t *typ, value any, at Path) {
	list, ok := value.([]any)
	if !ok {
		v.add(at, WrongType, "begin it with \"- \"", "is %s, want a list", describe(value))
		return
	}
	seen := map[string]int{}
	for i, e := range list {
		v.value(t.elem, e, at.At(i))
		key, ok := keyOf(t, e)
		if !ok {
			continue
		}
		if first, twice := seen[key]; twice {
			v.add(at.At(i), Twice, "remove one of the two", "is the same as element %d: both have %s", first, key)
		} else {
			seen[key] = i
		}
	}
}

// keyOf is what tells an element of a list apart. The only key that is ever left to its default is
// a port's protocol.
func keyOf(t *typ, element any) (string, bool) {
	m, ok := element.(map[string]any)
	if !ok || len(t.keys) == 0 {
		return "", false
	}
	var parts []string
	for _, k := range t.keys {
		value, ok := m[k]
		if !ok && k == "protocol" {
			value, ok = "TCP", true
		}
		if !ok || value == nil {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%s %v", k, value))
	}
	return strings.Join(parts, ", "), true
}

func (v *validation) mapping(t *typ, value any, at Path) {
	m, ok := value.(map[string]any)
	if !ok {
		v.add(at, WrongType, "", "is %s, want a map", describe(value))
		return
	}
	if t.elem == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v.value(t.elem, m[name], at.Field(name))
	}
}

func (v *validation) scalar(t *typ, value any, at Path) {
	want, ok := wants(t.shape, value)
	if !ok {
		v.add(at, WrongType, quoting(t.shape, value), "is %s, want %s", describe(value), want)
		return
	}
	if s, isText := value.(string); isText {
		if len(t.enum) > 0 && s != "" && !slices.Contains(t.enum, s) {
			hint := "use one of " + strings.Join(nonEmpty(t.enum), ", ")
			v.add(at, NotOneOf, hint, "%q is none of its values", s)
		}
		if t.pattern != "" && !matches(t.pattern, s) {
			v.add(at, NotOneOf, "", "does not match %s", t.pattern)
		}
	}
	v.bounds(t, value, at)
}

func (v *validation) bounds(t *typ, value any, at Path) {
	n, ok := value.(json.Number)
	if !ok || t.min == nil && t.max == nil {
		return
	}
	f, err := n.Float64()
	switch {
	case err != nil:
	case t.min != nil && f < *t.min:
		v.add(at, NotOneOf, "", "%s is less than %v", n, *t.min)
	case t.max != nil && f > *t.max:
		v.add(at, NotOneOf, "", "%s is more than %v", n, *t.max)
	}
}

// matches gives a pattern that Go cannot read the benefit of the doubt.
func matches(pattern, s string) bool {
	re, err := regexp.Compile(pattern)
	return err != nil || re.MatchString(s)
}

func nonEmpty(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" })
}

// wants says what a shape wants, and whether a value is that.
func wants(s shape, value any) (string, bool) {
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	switch s {
	case shapeString:
		return "a string", isText
	case shapeBytes:
		_, err := base64.StdEncoding.DecodeString(text)
		return "base64", isText && err == nil
	case shapeTime:
		_, err := time.Parse(time.RFC3339, text)
		return "a time like 2006-01-02T15:04:05Z", isText && err == nil
	case shapeInt32:
		n, err := number.Int64()
		return "a whole number", isNumber && err == nil && n >= math.MinInt32 && n <= math.MaxInt32
	case shapeInt64:
		_, err := number.Int64()
		return "a whole number", isNumber && err == nil
	case shapeNumber:
		return "a number", isNumber
	case shapeBool:
		_, ok := value.(bool)
		return "true or false", ok
	case shapeQuantity:
		if isNumber {
			text = number.String()
		}
		_, err := resource.ParseQuantity(text)
		return "a quantity like 100m or 64Mi", (isText || isNumber) && err == nil
	case shapeIntOrStr:
		return "a whole number or a string", isText || isNumber
	}
	return "", true
}

// quoting is the hint for the commonest of all mistakes: YAML reads 5432, true and 1.10 as what
// they look like.
func quoting(want shape, value any) string {
	_, isText := value.(string)
	switch {
	case isText && (want == shapeInt32 || want == shapeInt64 || want == shapeBool || want == shapeNumber):
		return "take away the quotes: no `quote`, but `int` or nothing in the template"
	case want == shapeString && !isText:
		if _, isMap := value.(map[string]any); isMap {
			return ""
		}
		return "put it in quotes: `| quote` in the template"
	}
	return ""
}

func describe(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case json.Number:
		return "the number " + v.String()
	case bool:
		return strconv.FormatBool(v)
	case string:
		return "a string"
	}
	return fmt.Sprintf("a %T", value)
}
