package diff

import (
	"encoding/json"
	"strings"

	"sigs.k8s.io/yaml"
)

// lines is a JSON value as people read it: nothing for one that is absent, a text over several lines as those lines, a map or list
// as YAML, anything else as it is.
func lines(value string) []string {
	if value == "" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		return []string{value}
	}
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "\n") {
			return strings.Split(strings.TrimRight(v, "\n"), "\n")
		}
	case map[string]any, []any:
		b, err := yaml.Marshal(v)
		if err != nil {
			return []string{value}
		}
		return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	}
	return []string{value}
}
