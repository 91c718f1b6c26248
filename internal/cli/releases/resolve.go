package releases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// kinds are the kinds by what people type for them.
var kinds = map[string]model.Kind{
	"helmrelease": model.KindHelmRelease, "helmreleases": model.KindHelmRelease, "hr": model.KindHelmRelease,
	"application": model.KindApplication, "applications": model.KindApplication, "app": model.KindApplication,
	"root": model.KindRoot, "roots": model.KindRoot,
	"helm": model.KindHelm, "manifests": model.KindManifests,
}

// Name is what someone typed to name a release: NAME, NAMESPACE/NAME, KIND/NAME or
// KIND/NAMESPACE/NAME, where NAME is the request's or Helm's.
type Name struct {
	text      string
	kind      model.Kind
	namespace string
	name      string
	// kindOrNamespace is set for two parts of which the first may be either.
	kindOrNamespace string
}

// ParseName reads a name. namespace, when not empty, is that of the -n flag.
func ParseName(text, namespace string) (Name, error) {
	n := Name{text: text, namespace: namespace}
	parts := strings.Split(text, "/")
	if slices.Contains(parts, "") || len(parts) > 3 {
		return n, fmt.Errorf("release %q: want NAME, NAMESPACE/NAME, KIND/NAME or KIND/NAMESPACE/NAME", text)
	}
	n.name = parts[len(parts)-1]
	switch len(parts) {
	case 2:
		n.kindOrNamespace = parts[0]
	case 3:
		kind, ok := kindNamed(parts[0])
		if !ok {
			return n, fmt.Errorf("release %q: kind %q: want HelmRelease, Application, Root, Helm or Manifests", text, parts[0])
		}
		if namespace != "" && namespace != parts[1] {
			return n, fmt.Errorf("release %q: -n %s names another namespace", text, namespace)
		}
		n.kind, n.namespace = kind, parts[1]
	}
	return n, nil
}

func kindNamed(s string) (model.Kind, bool) {
	k, ok := kinds[strings.ToLower(s)]
	return k, ok
}

// matches reports whether v bears the name.
func (n Name) matches(v View) bool {
	if n.name != v.Name && n.name != v.Release || n.kind != "" && n.kind != v.Kind || !InNamespace(v, n.namespace) {
		return false
	}
	if n.kindOrNamespace == "" {
		return true
	}
	kind, ok := kindNamed(n.kindOrNamespace)
	return InNamespace(v, n.kindOrNamespace) || ok && kind == v.Kind
}

// exact reports whether v is what the name says word for word, the request's own namespace and name:
// then it is meant, even where another release deploys to that namespace or has that name in Helm.
func (n Name) exact(v View) bool {
	ns := n.namespace
	if _, ok := kindNamed(n.kindOrNamespace); !ok && n.kindOrNamespace != "" {
		ns = n.kindOrNamespace
	}
	return n.name == v.Name && (ns == "" || ns == v.Namespace)
}

// InNamespace reports whether v is asked for in, or deploys to, the namespace; "" is any.
func InNamespace(v View, namespace string) bool {
	return namespace == "" || namespace == v.Namespace || namespace == v.TargetNamespace
}

// Find is the one release that bears the name. None and several are errors that say which there
// are.
func Find(all []View, n Name) (View, error) {
	var found []View
	for _, v := range all {
		if n.matches(v) {
			found = append(found, v)
		}
	}
	if len(found) > 1 {
		var exact []View
		for _, v := range found {
			if n.exact(v) {
				exact = append(exact, v)
			}
		}
		if len(exact) > 0 {
			found = exact
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return View{}, notFound(all, n)
	}
	return View{}, &model.Error{
		Kind: model.ErrInvalid, Reason: "Ambiguous",
		Msg:  fmt.Sprintf("release %q is ambiguous: %s", n.text, join(found)),
		Next: "name one of them in full, or choose with -n",
	}
}

func notFound(all []View, n Name) error {
	e := &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRelease", Msg: fmt.Sprintf("no release %q", n.text)}
	if n.namespace != "" && !strings.Contains(n.text, "/") {
		e.Msg += fmt.Sprintf(" in namespace %q", n.namespace)
	}
	switch near := similar(all, n.name); {
	case len(all) == 0:
		e.Msg += ": there are no releases"
		e.Next = "fairlead deploy makes one of a chart; fairlead crds | kubectl apply -f - teaches a cluster the kinds of those that a controller deploys"
	case len(near) > 0:
		e.Next = "did you mean " + join(near) + "?"
	default:
		e.Next = "fairlead get lists them all"
	}
	return e
}

func join(views []View) string {
	const most = 8
	var names []string
	for _, v := range views {
		names = append(names, v.ID().String())
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// similar are releases whose name is a typing error away, or contains what was typed.
func similar(all []View, name string) []View {
	var near []View
	for _, v := range all {
		for _, known := range []string{v.Name, v.Release} {
			if known == "" {
				continue
			}
			if distance(known, name) <= max(2, len(name)/3) || len(name) > 2 && strings.Contains(known, name) {
				near = append(near, v)
				break
			}
		}
	}
	return near
}

// distance is Levenshtein's: how many letters to add, drop or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
