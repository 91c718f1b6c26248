package kubeschema

import (
	"maps"
	"slices"
	"strings"
)

// Nearest is the name that a misspelt one may have meant, or "".
func Nearest(name string, known []string) string {
	const most = 3 // letters; of more any two long names are near
	best, least := "", min(len(name)/3+1, most)
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d <= least && d < len(name) {
			if d < least || best == "" {
				best, least = k, d
			}
		}
	}
	return best
}

// distance is how many letters have to be added, removed, replaced or swapped with their neighbour.
func distance(a, b string) int {
	prev2, prev, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, make([]int, len(b)+1)
	}
	return prev[len(b)]
}

// elsewhere is where else in a type a field of this name lies, as a hint for one that was put at
// the wrong depth: "securityContext.runAsNonRoot". The shortest path wins, and none is "".
func elsewhere(t *typ, name string) string {
	const deep = 3
	type step struct {
		t    *typ
		path string
	}
	level := []step{{t, ""}}
	for range deep {
		var next []step
		for _, s := range level {
			for _, field := range slices.Sorted(maps.Keys(s.t.fields)) {
				f := s.t.fields[field]
				at := s.path + field
				if f.shape == shapeArray {
					f, at = f.elem, at+"[]"
				}
				if f.shape != shapeFields {
					continue
				}
				if _, ok := f.fields[name]; ok {
					return at + "." + name
				}
				next = append(next, step{f, at + "."})
			}
		}
		level = next
	}
	return ""
}
