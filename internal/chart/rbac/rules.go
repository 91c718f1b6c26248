package rbac

import (
	"cmp"
	"slices"
	"strings"
)

// Rule is a rule of a Role, and why it is there.
type Rule struct {
	Groups, Resources, Names, Verbs, URLs []string
	Why                                   []string // lines
}

// Rules are the rules of the Role of one namespace, or of a ClusterRole for "".
func (res Result) Rules(in Input, namespace string) []Rule {
	merged := map[string]*Rule{}
	var keys []string
	for _, g := range groups(res.Rights, namespace) {
		rule := Rule{Verbs: g.verbs, Why: explain(in, g.reasons)}
		if g.url != "" {
			rule.URLs = []string{g.url}
		} else {
			rule.Groups, rule.Resources = []string{g.group}, []string{g.resource}
		}
		if len(g.names) > 0 {
			rule.Names = g.names
		}
		// What differs in nothing but the resource is one rule.
		key := strings.Join([]string{g.group, strings.Join(g.names, ","), strings.Join(g.verbs, ","), strings.Join(rule.Why, "\n"), cmp.Or(g.url, "-")[:1]}, "\x00")
		if first, ok := merged[key]; ok {
			first.Resources = append(first.Resources, rule.Resources...)
			first.URLs = append(first.URLs, rule.URLs...)
			continue
		}
		merged[key] = &rule
		keys = append(keys, key)
	}
	rules := make([]Rule, len(keys))
	for i, k := range keys {
		rules[i] = *merged[k]
	}
	return rules
}

// Namespaces are those that rights are needed in, "" for the whole cluster first.
func (res Result) Namespaces() []string {
	var all []string
	for r := range res.Rights {
		if !slices.Contains(all, r.Namespace) {
			all = append(all, r.Namespace)
		}
	}
	slices.Sort(all)
	return all
}

// group is verbs on the same resource, or on the same objects, for the same purposes.
type group struct {
	group, resource, url string
	names, verbs         []string
	reasons              []Reason
}

func groups(rights Rights, namespace string) []group {
	// Verbs by resource, name and purposes; a name is a resource's alone.
	type place struct{ group, resource, url, name, purposes string }
	verbs := map[place][]string{}
	reasons := map[place][]Reason{}
	var places []place
	for _, r := range rights.Sorted() {
		if r.Namespace != namespace {
			continue
		}
		p := place{r.Group, r.Resource, r.URL, r.Name, purposes(rights[r])}
		if verbs[p] == nil {
			places = append(places, p)
		}
		verbs[p] = append(verbs[p], r.Verb)
		reasons[p] = appendNew(reasons[p], rights[r]...)
	}
	// Names that may be treated alike.
	var all []group
	at := map[string]int{}
	for _, p := range places {
		key := strings.Join([]string{p.group, p.resource, p.url, p.purposes, strings.Join(verbs[p], ",")}, "\x00")
		if p.name == "" {
			key += "\x00all"
		}
		if i, ok := at[key]; ok {
			all[i].names = append(all[i].names, p.name)
			all[i].reasons = appendNew(all[i].reasons, reasons[p]...)
			continue
		}
		at[key] = len(all)
		g := group{group: p.group, resource: p.resource, url: p.url, verbs: verbs[p], reasons: reasons[p]}
		if p.name != "" {
			g.names = []string{p.name}
		}
		all = append(all, g)
	}
	slices.SortStableFunc(all, func(a, b group) int {
		return cmp.Or(
			cmp.Compare(first(a), first(b)), strings.Compare(a.group, b.group), strings.Compare(a.resource, b.resource),
		)
	})
	return all
}

// first puts the records first, then what the chart's own objects need, then what comes with it.
func first(g group) int {
	least := g.reasons[0].Purpose
	for _, r := range g.reasons {
		least = min(least, r.Purpose)
	}
	switch least {
	case ForRecords:
		return 0
	case ForObject, ForHook, ForCRD, ForWaiting:
		return 1
	case ForGrant, ForEscalation, ForBinding:
		return 3
	}
	return 2
}

func purposes(reasons []Reason) string {
	var all []byte
	for _, r := range reasons {
		all = append(all, byte('a'+r.Purpose))
	}
	slices.Sort(all)
	return string(slices.Compact(all))
}

func appendNew(to []Reason, more ...Reason) []Reason {
	for _, r := range more {
		if !slices.Contains(to, r) {
			to = append(to, r)
		}
	}
	return to
}
