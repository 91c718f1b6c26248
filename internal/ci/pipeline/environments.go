package pipeline

import (
	"errors"
	"path"
	"slices"
)

// DefaultEnvironments are those of the reference application.
var DefaultEnvironments = []string{"dev", "staging", "prod"}

// aliases are other words for an environment, as they stand in names of values files.
var aliases = [][]string{
	{"dev", "development"},
	{"test", "testing"},
	{"staging", "stage", "stg"},
	{"prod", "production", "prd"},
}

func (t *tree) environments(s *Spec, o Options) ([]Environment, error) {
	names := o.Environments
	if len(names) == 0 {
		names = DefaultEnvironments
	}
	if dup := slices.Clone(names); len(dup) > 0 {
		slices.Sort(dup)
		if len(slices.Compact(dup)) != len(names) {
			return nil, errors.New("--environments: one is named twice")
		}
	}
	namespaces, err := pairs("--namespace-of", o.Namespaces, names)
	if err != nil {
		return nil, err
	}
	urls, err := pairs("--url", o.URLs, names)
	if err != nil {
		return nil, err
	}
	var out []Environment
	for i, name := range names {
		last := i == len(names)-1
		e := Environment{
			Name: name, Namespace: s.Name + "-" + name, Audience: "fairlead-" + name,
			URL: urls[name], Manual: last, Verify: i > 0 || urls[name] != "", Tier: tier(name, last),
		}
		if ns := namespaces[name]; ns != "" {
			e.Namespace = ns
		}
		if file := t.valuesFile(s.Chart, name); file != "" {
			e.Values = []string{file}
		}
		out = append(out, e)
	}
	return out, nil
}

// tier is GitLab's word for what an environment is for.
func tier(name string, last bool) string {
	switch {
	case last:
		return "production"
	case slices.Contains(aliases[0], name):
		return "development"
	case slices.Contains(aliases[1], name):
		return "testing"
	}
	return "staging"
}

// valuesFile is the values file of an environment, or "".
func (t *tree) valuesFile(chart, environment string) string {
	words := []string{environment}
	for _, group := range aliases {
		if slices.Contains(group, environment) {
			words = append(words, group...)
		}
	}
	for _, w := range words {
		for _, form := range []string{"values-" + w, "values." + w, w + "-values", "values/" + w, "environments/" + w, "env/" + w} {
			for _, ext := range []string{".yaml", ".yml"} {
				if file := path.Join(chart, form+ext); t.has[file] {
					return file
				}
			}
		}
	}
	return ""
}
