package pipeline

import (
	"fmt"
	"strings"
)

// Options are what the owner of a repository says; everything that is empty is found out.
type Options struct {
	Provider     string
	Name         string
	Project      string
	Host         string
	Branch       string
	Chart        string
	Dockerfile   string
	Context      string
	Image        string   // with its registry, without a tag
	Registry     string   // registry and folder; the image's name is added
	ImageKey     string   // of the chart's values
	RunnerImage  string   // NAME@sha256:…
	Environments []string // in the order of deployment
	Namespaces   []string // ENV=NAME
	URLs         []string // ENV=URL
	HealthPath   string   // below it
	Tests        []string // commands, run in the root; each is a job
	Packages     []string // Debian's, beside those that were found out
	Said         []string // these options as they were given, "name=value"
}

// pairs reads ENV=VALUE; an environment that is not among those is a mistake.
func pairs(flag string, values, environments []string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range values {
		name, value, ok := strings.Cut(v, "=")
		if !ok || value == "" {
			return nil, fmt.Errorf("%s: %q: want ENVIRONMENT=VALUE", flag, v)
		}
		known := false
		for _, e := range environments {
			known = known || e == name
		}
		if !known {
			return nil, fmt.Errorf("%s: %q is none of the environments %s", flag, name, strings.Join(environments, ", "))
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("%s: %q is said twice", flag, name)
		}
		out[name] = value
	}
	return out, nil
}
