package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// CaseKind says where a case's values come from.
type CaseKind string

// The kinds of cases.
const (
	CaseDefaults CaseKind = "defaults" // values.yaml alone
	CaseValues   CaseKind = "values"   // a values file on top of it
	CaseToggle   CaseKind = "toggle"   // one boolean flipped, with those it hangs below switched on
	CaseAll      CaseKind = "toggles"  // many at once
	CaseAPIs     CaseKind = "apis"     // in a cluster with the APIs that templates ask for
	CaseLongName CaseKind = "long-name"
)

// Case is one set of values to render a chart with.
type Case struct {
	Name   string
	Kind   CaseKind
	Toggle string // of CaseToggle: the path of the value
	Layers []model.ValuesLayer

	name  string             // of the release, where it is not the usual one
	flip  *model.ValuesLayer // the layer that flips values
	label string             // what it flips
	// above says that toggles above this one are switched on with it.
	above bool
	apis  []string // that the cluster has beside Kubernetes' own
}

// given reports whether someone has written these values down as they are.
func (c Case) given() bool {
	return c.Kind == CaseDefaults || c.Kind == CaseValues || c.Kind == CaseAPIs && c.flip == nil
}

// Helm takes release names up to this length.
const longestRelease = 53

// Toggle is a boolean value of a chart.
type Toggle struct {
	Path []string
	On   bool
}

// String is "ingress.enabled".
func (t Toggle) String() string { return strings.Join(t.Path, ".") }

// layerOf is values that set booleans, as a layer.
func layerOf(settings map[string]bool) (model.ValuesLayer, error) {
	tree := map[string]any{}
	for _, p := range slices.Sorted(maps.Keys(settings)) {
		parts := strings.Split(p, pathSeparator)
		at := tree
		for _, step := range parts[:len(parts)-1] {
			below, ok := at[step].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[step] = below
			}
			at = below
		}
		at[parts[len(parts)-1]] = settings[p]
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return model.ValuesLayer{}, fmt.Errorf("writing values: %w", err)
	}
	return model.ValuesLayer{Origin: "flipped values", YAML: text}, nil
}

// pathSeparator joins the steps of a path where they may hold dots themselves.
const pathSeparator = "\x00"

func (t Toggle) key() string { return strings.Join(t.Path, pathSeparator) }

// findToggles are the booleans of a chart's values and, below their names, of its subcharts', the
// chart's own first. Lists are not looked into: they have no booleans until someone fills them.
func findToggles(c *chart.Chart) []Toggle {
	seen := map[string]bool{}
	var all []Toggle
	add := func(t Toggle) {
		if !seen[t.key()] {
			seen[t.key()] = true
			all = append(all, t)
		}
	}
	walkBooleans(c.Values, nil, add)
	addConditions(c, nil, c.Values, add)
	addSubcharts(c, nil, add)
	return all
}

func walkBooleans(values map[string]any, at []string, add func(Toggle)) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		p := append(slices.Clone(at), key)
		switch v := values[key].(type) {
		case bool:
			add(Toggle{Path: p, On: v})
		case map[string]any:
			walkBooleans(v, p, add)
		}
	}
}

// addConditions adds the values that switch a chart's dependencies on, which need not be in its
// values.yaml: Helm takes a condition that is nowhere for true.
func addConditions(c *chart.Chart, at []string, values map[string]any, add func(Toggle)) {
	for _, d := range c.Metadata.Dependencies {
		for condition := range strings.SplitSeq(d.Condition, ",") {
			if condition = strings.TrimSpace(condition); condition == "" {
				continue
			}
			steps := strings.Split(condition, ".")
			if _, known := lookup(values, steps).(bool); !known {
				add(Toggle{Path: append(slices.Clone(at), steps...), On: true})
			}
		}
	}
}

func addSubcharts(c *chart.Chart, at []string, add func(Toggle)) {
	for _, sub := range c.Dependencies() {
		if sub.Metadata.Type == "library" {
			continue
		}
		for _, name := range namesOf(c, sub) {
			p := append(slices.Clone(at), name)
			walkBooleans(sub.Values, p, add)
			addConditions(sub, p, sub.Values, add)
			addSubcharts(sub, p, add)
		}
	}
}

// namesOf are the names a chart has its subchart under: its own, or its aliases.
func namesOf(c, sub *chart.Chart) []string {
	var names []string
	for _, d := range c.Metadata.Dependencies {
		if d.Name == sub.Name() {
			if d.Alias != "" {
				names = append(names, d.Alias)
			} else {
				names = append(names, d.Name)
			}
		}
	}
	if len(names) == 0 {
		names = []string{sub.Name()}
	}
	return names
}

func lookup(values map[string]any, steps []string) any {
	var at any = values
	for _, s := range steps {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[s]
	}
	return at
}

// switches are the names of booleans that a whole group of values hangs on.
var switches = []string{"enabled", "create", "enable"}

// ancestors are the toggles that are off and that t hangs below: tls.enabled does nothing while
// ingress.enabled is off.
func ancestors(t Toggle, all []Toggle) []Toggle {
	var found []Toggle
	for _, o := range all {
		n := len(o.Path) - 1
		if o.On || n >= len(t.Path) || !slices.Contains(switches, o.Path[n]) || o.key() == t.key() {
			continue
		}
		if slices.Equal(o.Path[:n], t.Path[:n]) && n > 0 {
			found = append(found, o)
		}
	}
	return found
}

// setting reports whether a toggle sets how safe pods are, instead of switching a feature: to turn
// it means to want what the security rules warn of.
func (t Toggle) setting() bool {
	for _, step := range t.Path {
		s := strings.ToLower(step)
		for _, word := range []string{"security", "automount", "hostnetwork", "hostpid", "hostipc", "privilege", "runasnonroot", "readonlyroot"} {
			if strings.Contains(s, word) {
				return true
			}
		}
	}
	return false
}

// caseList puts the cases together, the simplest first, at most limit of them. The second result
// are the toggles that had no room.
type caseList struct {
	toggles []Toggle
	base    []model.ValuesLayer // below toggles: without these the chart renders nothing
	on      string              // the case that base is of
	limit   int

	cases []Case
	left  []Toggle
}

// flips adds a case for each toggle, and those with many at once.
func (l *caseList) flips() error {
	all, on := map[string]bool{}, map[string]bool{}
	for _, t := range l.toggles {
		if len(l.cases) >= l.limit {
			l.left = append(l.left, t)
			continue
		}
		set := map[string]bool{t.key(): !t.On}
		if err := l.add(caseName(t, nil), CaseToggle, t, set); err != nil {
			return err
		}
		if above := ancestors(t, l.toggles); len(above) > 0 {
			for _, a := range above {
				set[a.key()] = true
			}
			if err := l.add(caseName(t, above), CaseToggle, t, set); err != nil {
				return err
			}
		}
	}
	for _, t := range l.toggles {
		if t.setting() {
			continue
		}
		all[t.key()], on[t.key()] = !t.On, true
	}
	if len(all) < 2 {
		return nil
	}
	if err := l.add("every toggle flipped", CaseAll, Toggle{}, all); err != nil {
		return err
	}
	return l.add("every toggle on", CaseAll, Toggle{}, on)
}

func (l *caseList) add(name string, kind CaseKind, t Toggle, set map[string]bool) error {
	layer, err := layerOf(set)
	if err != nil {
		return err
	}
	c := Case{Name: name, Kind: kind, Layers: append(slices.Clone(l.base), layer), flip: &layer, label: name}
	if len(l.base) > 0 {
		c.Name = l.on + ", " + name
	}
	if kind == CaseToggle {
		c.Toggle, c.above = t.String(), len(set) > 1
	}
	l.cases = append(l.cases, c)
	return nil
}

func caseName(t Toggle, above []Toggle) string {
	name := fmt.Sprintf("%s=%t", t, !t.On)
	for _, a := range above {
		name += fmt.Sprintf(", %s=true", a)
	}
	return name
}

// isValuesFile reports whether a file of a chart holds values beside values.yaml: what people call
// them, and what chart-testing (ct) looks for in ci/.
func isValuesFile(name string) bool {
	dir, base := path.Split(name)
	stem, ok := strings.CutSuffix(base, ".yaml")
	if !ok {
		if stem, ok = strings.CutSuffix(base, ".yml"); !ok {
			return false
		}
	}
	switch dir {
	case "":
		return stem != "values.schema" && (strings.HasPrefix(stem, "values-") || strings.HasPrefix(stem, "values.") ||
			strings.HasPrefix(stem, "values_") || strings.HasSuffix(stem, "-values"))
	case "ci/":
		return strings.HasSuffix(stem, "-values")
	case "values/":
		return true
	}
	return false
}
