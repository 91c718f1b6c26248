package pipeline

import (
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// locator finds where a text is written among the release's values, for the last link of a cause.
// Values that came from Secrets are not searched.
func locator(rel model.Release) func(string) (string, bool) {
	return func(text string) (string, bool) {
		for i := len(rel.Values) - 1; i >= 0; i-- {
			l := rel.Values[i]
			if l.Sensitive || text == "" {
				continue
			}
			if strings.Contains(string(l.YAML), text) {
				return l.Origin, true
			}
			if l.Set != nil && strings.Contains(l.Set.Value, text) {
				return assigned(l, text), true
			}
		}
		return "", false
	}
}

// longestName bounds what is shown of a name that an argument sets.
const longestName = 60

// assigned names the assignment of an argument that holds a text: --set takes several. One whose value is
// the text comes before one that has it within.
func assigned(l model.ValuesLayer, text string) string {
	if l.Set.Form != model.FormSet && l.Set.Form != model.FormString {
		return l.Origin
	}
	origin, same := l.Origin, false
	pieces := assignments(l.Set.Value)
	if len(pieces) < 2 {
		return origin
	}
	for _, piece := range pieces {
		name, value, ok := strings.Cut(piece, "=")
		if !ok || !strings.Contains(value, text) || same && value != text {
			continue
		}
		if len(name) > longestName {
			name = strings.ToValidUTF8(name[:longestName], "") + "..."
		}
		origin, same = "--"+string(l.Set.Form)+" "+strings.TrimSpace(name), value == text
	}
	return origin
}

// assignments splits an argument at its commas, but for those that are escaped or within a list. The
// grammar is Helm's (pkg/strvals).
func assignments(arg string) (pieces []string) {
	start, depth := 0, 0
	for i := 0; i < len(arg); i++ {
		switch arg[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			depth = max(depth-1, 0)
		case ',':
			if depth == 0 {
				pieces = append(pieces, arg[start:i])
				start = i + 1
			}
		}
	}
	return append(pieces, arg[start:])
}
