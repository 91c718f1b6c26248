package rbac

import (
	"cmp"
	"slices"
	"strings"
)

// any stands for every group, resource or verb, as in RBAC.
const wildcard = "*"

// Right is one thing that may be done: one verb on one resource, or on one object.
type Right struct {
	Namespace string // empty: in the whole cluster
	Group     string
	Resource  string // with its subresource: "pods/log"
	Verb      string
	Name      string // of the only object it is for; empty is all
	URL       string // a path that is no resource, instead of Group and Resource
}

// covers reports whether whoever has r needs no other.
func (r Right) covers(other Right) bool {
	if r == other {
		return true
	}
	if r.Namespace != "" && r.Namespace != other.Namespace {
		return false
	}
	if (r.URL == "") != (other.URL == "") || !matches(r.Verb, other.Verb) {
		return false
	}
	if r.URL != "" {
		prefix, all := strings.CutSuffix(r.URL, wildcard)
		return r.URL == other.URL || (all && strings.HasPrefix(other.URL, prefix))
	}
	return matches(r.Group, other.Group) && matchesResource(r.Resource, other.Resource) && (r.Name == "" || r.Name == other.Name)
}

func matches(have, want string) bool { return have == wildcard || have == want }

// matchesResource also knows "*/scale", a subresource of everything (k8s.io/kubernetes,
// pkg/apis/rbac/v1, ResourceMatches).
func matchesResource(have, want string) bool {
	if matches(have, want) {
		return true
	}
	sub, all := strings.CutPrefix(have, wildcard+"/")
	_, wanted, has := strings.Cut(want, "/")
	return all && has && sub == wanted
}

func (r Right) compare(o Right) int {
	return cmp.Or(
		strings.Compare(r.Namespace, o.Namespace), strings.Compare(r.URL, o.URL), strings.Compare(r.Group, o.Group),
		strings.Compare(r.Resource, o.Resource), strings.Compare(r.Name, o.Name), compareVerbs(r.Verb, o.Verb),
	)
}

// order is how verbs are written: reading, then writing.
var order = []string{"get", "list", "watch", "create", "patch", "update", "delete"}

func compareVerbs(a, b string) int {
	i, j := slices.Index(order, a), slices.Index(order, b)
	if i < 0 {
		i = len(order)
	}
	if j < 0 {
		j = len(order)
	}
	return cmp.Or(cmp.Compare(i, j), strings.Compare(a, b))
}

// Reason is why a right is needed.
type Reason struct {
	Purpose Purpose
	Object  string // "Deployment/shop"; may be empty
	File    string // the template it comes from; may be empty
}

// Purpose says what a right is used for.
type Purpose int

// The purposes, in the order they are explained.
const (
	ForRecords    Purpose = iota // Helm's storage
	ForLock                      // keeps other runs out
	ForObject                    // to read, apply and delete an object
	ForHook                      // the same of a hook
	ForCRD                       // of the crds/ folder: applied, never deleted
	ForWaiting                   // to see when an object is ready
	ForParts                     // to see the pods of a workload
	ForGrant                     // a role in the chart grants it
	ForEscalation                // a role in the chart grants what cannot be held
	ForBinding                   // a binding in the chart refers to a role that is not in it
	ForOwnBinding                // a binding in the chart refers to a role that is in it too
	ForLookup                    // a template looks it up
	ForLogs                      // a hook's output is shown
	ForHost                      // OpenShift: a Route sets its host
	ForDiagnosis                 // to tell the cause of a failure
)

// Rights are rights with their reasons.
type Rights map[Right][]Reason

func (s Rights) add(r Right, why Reason) {
	if !slices.Contains(s[r], why) {
		s[r] = append(s[r], why)
	}
}

// reduce drops rights that others cover.
func (s Rights) reduce() {
	for r := range s {
		for other := range s {
			if other != r && other.covers(r) {
				// Two that cover each other are equal, so the coverer stays.
				delete(s, r)
				break
			}
		}
	}
}

// Sorted are the rights in a fixed order.
func (s Rights) Sorted() []Right {
	all := make([]Right, 0, len(s))
	for r := range s {
		all = append(all, r)
	}
	slices.SortFunc(all, Right.compare)
	return all
}
