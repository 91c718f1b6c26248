package kubeschema

import (
	"fmt"
	"strings"
)

// shape is what a type basically is.
type shape byte

// The shapes; the letters are those of the embedded files.
const (
	shapeAny      shape = '*'
	shapeString   shape = 's'
	shapeBytes    shape = 'B' // base64
	shapeTime     shape = 't'
	shapeInt32    shape = 'i'
	shapeInt64    shape = 'l'
	shapeNumber   shape = 'n'
	shapeBool     shape = 'b'
	shapeQuantity shape = 'q'
	shapeIntOrStr shape = 'x'
	shapeObject   shape = 'o' // anything that is a map
	shapeFields   shape = '@' // a map with known fields
	shapeArray    shape = '['
	shapeMap      shape = '{'
)

// typ is a type of a field.
type typ struct {
	shape    shape
	elem     *typ     // of arrays and maps
	keys     []string // fields that tell the elements of an array apart
	enum     []string
	fields   map[string]*typ
	required []string

	// What only CustomResourceDefinitions say.
	open     bool // fields that are not known are allowed
	pattern  string
	min, max *float64
}

// notation reads the type that the files write as letters: "s" a string, "[name]@T" a list of T by
// name, "{}s" a map of strings, "s=A,B" one of two strings. Named types are looked up in types.
func notation(text string, types map[string]*typ) (*typ, error) {
	if text == "" {
		return nil, fmt.Errorf("parsing a type: it is empty")
	}
	rest := text[1:]
	switch s := shape(text[0]); s {
	case shapeFields:
		t, ok := types[rest]
		if !ok {
			return nil, fmt.Errorf("parsing a type: there is no %q", rest)
		}
		return t, nil
	case shapeArray, shapeMap:
		closing := map[shape]string{shapeArray: "]", shapeMap: "}"}[s]
		keys, below, ok := strings.Cut(rest, closing)
		if !ok {
			return nil, fmt.Errorf("parsing the type %q: no %q", text, closing)
		}
		elem, err := notation(below, types)
		if err != nil {
			return nil, err
		}
		t := &typ{shape: s, elem: elem}
		if keys != "" {
			t.keys = strings.Split(keys, ",")
		}
		return t, nil
	case shapeString:
		if values, ok := strings.CutPrefix(rest, "="); ok {
			return &typ{shape: s, enum: strings.Split(values, ",")}, nil
		}
		return &typ{shape: s}, nil
	default:
		return &typ{shape: s}, nil
	}
}
