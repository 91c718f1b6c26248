package support

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// maxPaths bounds a report: a spec that is all wrong needs no more to be recognized.
const maxPaths = 20

// Unsupported lists the fields of an object's spec that ask for something Fairlead does not do,
// as paths such as "spec.valuesFrom[1].externalSourceRef", sorted. raw is the object as JSON.
// Beyond 20 the last entry says how many more there are. An unknown kind has nothing supported.
func Unsupported(kind model.Kind, raw []byte) ([]string, error) {
	var obj struct {
		Spec any `json:"spec"`
	}
	if err := json.Unmarshal(raw, &obj); err != nil {
		return nil, fmt.Errorf("reading the spec of a %s: %w", kind, err)
	}
	w := walker{table: tables[kind]}
	w.walk("spec", "spec", obj.Spec)
	slices.Sort(w.found)
	if n := len(w.found); n > maxPaths {
		w.found = append(w.found[:maxPaths:maxPaths], fmt.Sprintf("and %d more", n-maxPaths))
	}
	return w.found, nil
}

type walker struct {
	table table
	found []string
}

// walk looks at one field: path is where it is, row the same with every index left out.
func (w *walker) walk(path, row string, value any) {
	if accepted, listed := w.table[row]; listed {
		if accepted != nil && !slices.Contains(accepted, value) {
			w.found = append(w.found, path)
		}
		return
	}
	if asksNothing(value) {
		return
	}
	if !w.leads(row) {
		w.found = append(w.found, path)
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			w.walk(path+"."+key, row+"."+key, v[key])
		}
	case []any:
		for i, item := range v {
			w.walk(fmt.Sprintf("%s[%d]", path, i), row+"[]", item)
		}
	default: // the wrong type; the API server's schema refuses it, or nothing reads it
		w.found = append(w.found, path)
	}
}

// leads reports whether the table has a field below row.
func (w *walker) leads(row string) bool {
	for field := range w.table {
		if rest, ok := strings.CutPrefix(field, row); ok && (rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// asksNothing reports whether a value is one that a field may as well not have.
func asksNothing(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case float64:
		return v == 0
	case map[string]any:
		for _, item := range v {
			if !asksNothing(item) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return false
}
