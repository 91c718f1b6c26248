package helm

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// suggestion is " (did you mean 'repository'?)" where a name the schema does not know is nearly one
// of those it knows in the same place, else "".
func suggestion(schema any, location string, unknown []string) string {
	var near []string
	for _, name := range unknown {
		n := nearest(name, propertiesAt(schema, location))
		switch {
		case n == "":
		case len(unknown) == 1:
			near = append(near, "'"+n+"'")
		default:
			near = append(near, "'"+n+"' for '"+name+"'")
		}
	}
	if len(near) == 0 {
		return ""
	}
	return " (did you mean " + strings.Join(near, ", ") + "?)"
}

// propertiesAt are the names a schema lists where a location, an address whose fragment is a JSON
// pointer, points.
func propertiesAt(schema any, location string) []string {
	_, pointer, _ := strings.Cut(location, "#")
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		if raw, err := url.PathUnescape(step); err == nil {
			step = raw
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch at := schema.(type) {
		case map[string]any:
			schema = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			schema = at[i]
		default:
			return nil
		}
	}
	object, _ := schema.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// nearest is the name that a misspelt one may have meant: the one with the fewest letters added,
// removed, replaced or swapped with their neighbour, if they are few: of more than three any two long
// names are near ("replicaCount" and "serviceAccount").
func nearest(name string, known []string) string {
	const longest, most = 100, 3 // of a name worth comparing; of letters
	best, least := "", min(len(name)/3+1, most)
	for _, k := range known {
		if len(name) > longest || len(k) > longest {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d <= least && d < len(name) && (d < least || best == "") {
			best, least = k, d
		}
	}
	return best
}

// distance is optimal string alignment.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// parsed is a schema's text as values; nil where it is no JSON.
func parsed(text []byte) any {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil
	}
	return doc
}
