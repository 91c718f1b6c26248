package rights

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// unit is one verb on one resource, or on one object.
type unit struct {
	role, rule                 int
	verb, group, res, name, at string
}

func (u unit) String() string {
	s := u.verb + " " + u.res
	if u.group != "" {
		s += "." + u.group
	}
	if u.name != "" {
		s += "/" + u.name
	}
	return s
}

// units takes rules apart.
func units(m manifests) []unit {
	var all []unit
	for i, role := range m.roles {
		for j, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				for _, url := range rule.NonResourceURLs {
					all = append(all, unit{role: i, rule: j, verb: verb, at: url, res: url})
				}
				for _, res := range rule.Resources {
					names := rule.ResourceNames
					if len(names) == 0 {
						names = []string{""}
					}
					for _, name := range names {
						all = append(all, unit{role: i, rule: j, verb: verb, group: rule.APIGroups[0], res: res, name: name})
					}
				}
			}
		}
	}
	return all
}

// without is m with one unit less.
func without(m manifests, lost unit) manifests {
	cut := manifests{bindings: m.bindings}
	for i, role := range m.roles {
		role = *role.DeepCopy()
		if i == lost.role {
			role.Rules = nil
		}
		cut.roles = append(cut.roles, role)
	}
	into := &cut.roles[lost.role]
	for _, u := range units(m) {
		if u.role != lost.role || u == lost {
			continue
		}
		rule := rbacv1.PolicyRule{Verbs: []string{u.verb}}
		if u.at != "" {
			rule.NonResourceURLs = []string{u.at}
		} else {
			rule.APIGroups, rule.Resources = []string{u.group}, []string{u.res}
			if u.name != "" {
				rule.ResourceNames = []string{u.name}
			}
		}
		into.Rules = append(into.Rules, rule)
	}
	return cut
}

// each takes away every right. It takes minutes; without it each rule loses one of its rights, a
// different one from rule to rule.
var each = flag.Bool("each", false, "take away each verb on each resource and object, not one of each rule")

func chosen(all []unit, i int) bool {
	first := i
	for first > 0 && all[first-1].role == all[i].role && all[first-1].rule == all[i].rule {
		first--
	}
	last := i
	for last+1 < len(all) && all[last+1].role == all[i].role && all[last+1].rule == all[i].rule {
		last++
	}
	if all[last].verb == "watch" {
		return i == last
	}
	return i-first == all[i].rule%(last-first+1)
}

// fails deploys without the right that is number i, u, in a namespace of its own. Who may do only one
// of list and watch can get by where an object is ready at once: that is tried again, for it depends
// on who is faster. What is said has to contain because.
func fails(t *testing.T, tl tool, chart, namespace string, i int, u unit, change []string, because string, before func()) bool {
	t.Helper()
	tries := 1
	if u.verb == "watch" || u.verb == "list" {
		tries = 5
	}
	for try := range tries {
		before()
		w := newWorld(t, fmt.Sprintf("%s-%d", namespace, try))
		m := w.ask(tl, "r", chart, nil)
		// Names that contain the namespace differ, so the right is found by its place.
		w.apply(without(m, units(m)[i]))
		step, said := w.live(tl, "r", chart, inVain, nil, change)
		if step > 0 {
			t.Logf("step %d: %s", step, said)
			if strings.Contains(said, because) {
				return true
			}
		}
	}
	return false
}

// TestExactly deploys with exactly the rights that the command writes, and without each of them.
func TestExactly(t *testing.T) {
	const chart = "testdata/shop"
	change := []string{"--set", "message=two"}
	for _, tl := range []func(*testing.T) tool{helm, fairlead} {
		tl := tl(t)
		t.Run(tl.name, func(t *testing.T) {
			w := newWorld(t, tl.name+"-all")
			m := w.ask(tl, "r", chart, nil)
			w.apply(m)
			if step, said := w.live(tl, "r", chart, enough, nil, change); step != 0 {
				t.Fatalf("step %d failed with all rights: %s", step, said)
			}
			all := units(m)
			t.Logf("%d rights", len(all))
			for i, u := range all {
				if !*each && !chosen(all, i) || tl.streams && u.verb == "list" && u.res != "secrets" {
					continue
				}
				name := strings.ReplaceAll(u.String(), "/", " of ")
				t.Run(fmt.Sprintf("without %s", name), func(t *testing.T) {
					t.Parallel()
					if !fails(t, tl, chart, fmt.Sprintf("%s-%d", tl.name, i), i, u, change, "", func() {}) {
						t.Errorf("everything succeeded without %s", u)
					}
				})
			}
		})
	}
}

// Flags of TestField: any chart, with any flags of values.
var (
	fieldChart  = flag.String("chart", "", "folder of a chart for TestField")
	fieldValues = flag.String("values", "", "flags of values for TestField, separated by spaces")
)

// TestField deploys a chart from elsewhere with exactly the rights that the command writes:
//
//	go test ./test/rights -run TestField -chart ../podinfo -values '--set replicaCount=2'
func TestField(t *testing.T) {
	if *fieldChart == "" {
		t.Skip("-chart names none")
	}
	values := strings.Fields(*fieldValues)
	for _, tl := range []func(*testing.T) tool{helm, fairlead} {
		tl := tl(t)
		t.Run(tl.name, func(t *testing.T) {
			w := newWorld(t, "field-"+tl.name)
			m := w.ask(tl, "r", *fieldChart, values)
			w.apply(m)
			t.Logf("%d rights", len(units(m)))
			if step, said := w.live(tl, "r", *fieldChart, enough, values, nil); step != 0 {
				t.Errorf("step %d: %s", step, said)
			}
		})
	}
}

// TestDefinitions deploys a chart that brings a kind of its own, once for each right, one after the
// other: a definition is the whole cluster's.
func TestDefinitions(t *testing.T) {
	const chart = "testdata/kinds"
	change := []string{"--set", "message=two"}
	for _, tl := range []func(*testing.T) tool{helm, fairlead} {
		tl := tl(t)
		t.Run(tl.name, func(t *testing.T) {
			w := newWorld(t, tl.name+"-kinds")
			m := w.ask(tl, "r", chart, nil)
			w.apply(m)
			if step, said := w.live(tl, "r", chart, enough, nil, change); step != 0 {
				t.Fatalf("step %d failed with all rights: %s", step, said)
			}
			for i, u := range units(m) {
				if u.res == "secrets" || tl.streams && u.verb == "list" {
					continue
				}
				because, before, admit := "", func() { w.undefine("things.rights.example.com") }, func() {}
				if u.verb == "watch" && u.res == "customresourcedefinitions" {
					// A definition is ready so soon that the first list shows it, and then nobody watches.
					before()
					because, before = "cannot watch resource", func() {}
					admit = w.delayDefinitions()
				}
				if !fails(t, tl, chart, fmt.Sprintf("%s-kinds-%d", tl.name, i), i, u, change, because, before) {
					t.Errorf("nothing failed for want of %s", u)
				}
				admit()
			}
			w.undefine("things.rights.example.com")
		})
	}
}
