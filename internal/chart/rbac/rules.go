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
	var all []group
	at := map[string]int{}
	for _, g := range groups(res.Rights, namespace) {
		// What differs in nothing but the resource is one rule: what is waited for, and what one role grants.
		key := strings.Join([]string{g.group, cmp.Or(g.url, "-")[:1], strings.Join(g.names, ","), strings.Join(g.verbs, ","), g.alike(in)}, "\x00")
		i, ok := at[key]
		if !ok {
			at[key] = len(all)
			all = append(all, g)
			continue
		}
		all[i].resources = append(all[i].resources, g.resources...)
		all[i].urls = append(all[i].urls, g.urls...)
		all[i].reasons = appendNew(all[i].reasons, g.reasons...)
	}
	rules := make([]Rule, len(all))
	for i, g := range all {
		rules[i] = Rule{Names: g.names, Verbs: g.verbs, URLs: g.urls, Why: explain(in, g.reasons)}
		if len(g.urls) == 0 {
			rules[i].Groups, rules[i].Resources = []string{g.group}, g.resources
		}
	}
	return rules
}

// alike is equal for groups that may become one rule.
func (g group) alike(in Input) string {
	if slices.ContainsFunc(g.reasons, func(r Reason) bool { return !slices.Contains([]Purpose{ForWaiting, ForParts, ForDiagnosis}, r.Purpose) }) {
		return strings.Join(explain(in, g.reasons), "\n")
	}
	return purposes(g.reasons)
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
	group, url             string
	resources, urls, names []string
	verbs                  []string
	reasons                []Reason
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
		g := group{group: p.group, url: p.url, verbs: verbs[p], reasons: reasons[p]}
		if p.url != "" {
			g.urls = []string{p.url}
		} else {
			g.resources = []string{p.resource}
		}
		if p.name != "" {
			g.names = []string{p.name}
		}
		all = append(all, g)
	}
	slices.SortStableFunc(all, func(a, b group) int {
		return cmp.Or(
			cmp.Compare(first(a), first(b)), strings.Compare(a.group, b.group), slices.Compare(a.resources, b.resources),
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
	case ForRecords, ForLock:
		return 0
	case ForObject, ForHook, ForCRD:
		return 1
	case ForGrant, ForEscalation, ForBinding, ForOwnBinding:
		return 4
	case ForWaiting:
		return 2
	}
	return 3
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
