package schema

import (
	"maps"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// imports lets a chart have the values that it takes over from a subchart (import-values in Chart.yaml):
// Helm adds them to the chart's own before it looks at the schema. What they are is the subchart's word.
func imports(into *object, dep *chart.Dependency, c *chart.Chart) {
	i := slices.IndexFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == dep.Name })
	for _, raw := range dep.ImportValues {
		child, parent := "", "."
		switch v := raw.(type) {
		case string:
			child = "exports." + v
		case map[string]any:
			child, _ = v["child"].(string)
			parent, _ = v["parent"].(string)
		}
		if parent != "." { // the path's first step, with all below it
			step, _, _ := strings.Cut(parent, ".")
			admit(into, step, dep)
			continue
		}
		if i < 0 {
			continue // its values.yaml is not here
		}
		at := any(c.Dependencies()[i].Values)
		for _, step := range strings.Split(child, ".") {
			m, _ := at.(map[string]any)
			at = m[step]
		}
		if m, ok := at.(map[string]any); ok {
			for _, key := range slices.Sorted(maps.Keys(m)) {
				admit(into, key, dep)
			}
		}
	}
}

// admit lets a key be there, with whatever is below it.
func admit(into *object, key string, dep *chart.Dependency) {
	if key == "" {
		return
	}
	if have := into.sub(key); have != nil {
		openAll(have)
	} else if !into.has(key) {
		into.set(key, newObject().set("description", "Imported from subchart "+dep.Name+"."))
	}
}
