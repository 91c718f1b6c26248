package rbac

import (
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// Lookup is a template that reads the cluster while it is rendered.
type Lookup struct {
	File       string
	APIVersion string // empty where the template computes it
	Kind       string
	Namespace  string // empty where the template computes it: the release's is assumed
	All        bool   // of all objects, not one
}

// lookupForm is a call of Helm's lookup function: API version, kind, namespace and name, each a
// literal or something else.
var lookupForm = pattern.New(`\blookup\s+("[^"]*"|\S+)\s+("[^"]*"|\S+)\s+("[^"]*"|\([^)]*\)|\S+)\s+("[^"]*"|\([^)]*\)|[^\s})]+)`)

// action is what a template executes; the text around may well speak of looking something up.
var action = pattern.New(`(?s)\{\{.*?\}\}`)

// FindLookups reads a template.
func FindLookups(file, text string) []Lookup {
	var all []Lookup
	for _, a := range action.FindAllString(text, -1) {
		if strings.HasPrefix(strings.TrimLeft(a, "{- \t\n"), "/*") {
			continue // a comment
		}
		for _, m := range lookupForm.FindAllStringSubmatch(a, -1) {
			all = append(all, Lookup{
				File: file, APIVersion: literal(m[1]), Kind: literal(m[2]), Namespace: literal(m[3]), All: m[4] == `""`,
			})
		}
	}
	return all
}

func literal(s string) string {
	if len(s) >= 2 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		return s[1 : len(s)-1]
	}
	return ""
}

// lookups adds what is read for templates, by Helm and by fairlead deploy alike.
func (c *computation) lookups() {
	for _, l := range c.Lookups {
		if l.APIVersion == "" || l.Kind == "" {
			c.warned = append(c.warned, l.File+" looks up a kind that it computes: no right was added for it")
			continue
		}
		group, version, grouped := strings.Cut(l.APIVersion, "/")
		if !grouped {
			group, version = "", l.APIVersion
		}
		at := c.place(&model.Object{Key: model.ObjectKey{Group: group, Kind: l.Kind, Namespace: l.Namespace}, Version: version})
		verb := "get"
		if l.All {
			verb = "list"
		}
		c.addAll(at, Reason{Purpose: ForLookup, File: l.File}, verb)
	}
}
