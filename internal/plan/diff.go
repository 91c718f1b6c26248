package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// What stands for a secret value in a diff. That two of them differ is told, no more.
const (
	maskedOld = `"(hidden)"`
	maskedNew = `"(hidden, different)"`
)

// lastApplied repeats the whole object, Secrets included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Diff is the fields in which two JSON objects differ, by path and in the order of paths. Fields
// that only the server writes (managedFields, resourceVersion, status, ...) are left out. Elements
// of a list that all have a different name are compared by name, others by place. With secret set,
// values below .data and .stringData and the last applied configuration are masked: a difference
// shows, not what it is. An empty live or desired stands for an object that is absent.
func Diff(live, desired []byte, secret bool) ([]model.FieldDiff, error) {
	from, err := written(live)
	if err != nil {
		return nil, fmt.Errorf("reading the live object: %w", err)
	}
	to, err := written(desired)
	if err != nil {
		return nil, fmt.Errorf("reading the desired object: %w", err)
	}
	d := &differ{secret: secret}
	d.maps("", from, to)
	return d.diffs, nil
}

// written is an object without what only the server writes.
func written(body []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	obj, err := decode(body)
	if err != nil {
		return nil, err
	}
	delete(obj, "status")
	if meta, ok := obj["metadata"].(map[string]any); ok {
		for _, f := range serverFields {
			delete(meta, f)
		}
		delete(meta, "deletionTimestamp")
		delete(meta, "deletionGracePeriodSeconds")
		if annotations, ok := meta["annotations"].(map[string]any); ok {
			delete(annotations, "deployment.kubernetes.io/revision")
			delete(annotations, model.AnnotationApplied) // follows from the rest
			if len(annotations) == 0 {
				delete(meta, "annotations")
			}
		}
	}
	return obj, nil
}

type differ struct {
	secret bool
	diffs  []model.FieldDiff
}

func (d *differ) maps(path string, from, to map[string]any) {
	keys := slices.Sorted(maps.Keys(from))
	for k := range to {
		if _, ok := from[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		a, hasA := from[k]
		b, hasB := to[k]
		d.values(path+field(k), a, b, hasA, hasB)
	}
}

func (d *differ) values(path string, a, b any, hasA, hasB bool) {
	am, aMap := a.(map[string]any)
	bm, bMap := b.(map[string]any)
	al, aList := a.([]any)
	bl, bList := b.([]any)
	switch {
	case aMap && bMap, aMap && !hasB && len(am) > 0, bMap && !hasA && len(bm) > 0:
		d.maps(path, am, bm)
	case aList && bList:
		d.lists(path, al, bl)
	default:
		d.leaf(path, text(a, hasA), text(b, hasB))
	}
}

func (d *differ) lists(path string, a, b []any) {
	an, aNamed := byName(a)
	bn, bNamed := byName(b)
	if !aNamed || !bNamed {
		for i := range max(len(a), len(b)) {
			var x, y any
			if i < len(a) {
				x = a[i]
			}
			if i < len(b) {
				y = b[i]
			}
			d.values(path+"["+strconv.Itoa(i)+"]", x, y, i < len(a), i < len(b))
		}
		return
	}
	for _, e := range slices.Concat(a, b) {
		n := nameOf(e)
		x, hasX := an[n]
		y, hasY := bn[n]
		if hasX || hasY {
			d.values(path+"[name="+n+"]", x, y, hasX, hasY)
		}
		delete(an, n)
		delete(bn, n)
	}
}

// byName gives the elements of a list by their names when all have one, each its own.
func byName(list []any) (map[string]any, bool) {
	out := make(map[string]any, len(list))
	for _, e := range list {
		n := nameOf(e)
		if _, twice := out[n]; n == "" || twice {
			return nil, false
		}
		out[n] = e
	}
	return out, true
}

func nameOf(e any) string {
	m, _ := e.(map[string]any)
	n, _ := m["name"].(string)
	return n
}

func (d *differ) leaf(path, a, b string) {
	if a == b {
		return
	}
	if d.hides(path) {
		if a != "" {
			a = maskedOld
		}
		if b != "" {
			b = maskedNew
		}
	}
	d.diffs = append(d.diffs, model.FieldDiff{Path: path, Old: a, New: b})
}

// hides reports whether the values at a path are secret.
func (d *differ) hides(path string) bool {
	if !d.secret {
		return false
	}
	for _, p := range []string{".data", ".stringData", ".metadata.annotations" + field(lastApplied)} {
		if path == p || strings.HasPrefix(path, p+".") || strings.HasPrefix(path, p+"[") {
			return true
		}
	}
	return false
}

// field is a key as a step of a path: quoted where a dot in it would mislead.
func field(k string) string {
	if k == "" || strings.ContainsAny(k, `./[]"= `) {
		return "[" + strconv.Quote(k) + "]"
	}
	return "." + k
}

// text is a value as JSON, empty when absent.
func text(v any, has bool) string {
	if !has {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "?"
	}
	return strings.TrimRight(b.String(), "\n")
}
