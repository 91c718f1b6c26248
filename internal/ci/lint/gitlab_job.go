package lint

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// job reads one job with all it inherits.
func (g *gitlab) job(name string, p pair) *job {
	n := g.withDefaults(g.flat(deref(p.value), 0))
	j := &job{name: name, at: g.place(p.key), issued: map[string]bool{}}
	j.stage = g.str(get(n, "stage"))
	j.image = g.named(get(n, "image"))
	for _, s := range list(get(n, "services")) {
		j.services = append(j.services, g.named(s))
	}
	j.vars = g.variables(get(n, "variables"))
	for _, key := range []string{"before_script", "script", "after_script"} {
		j.lines = append(j.lines, g.list(get(n, key))...)
	}
	j.script = scriptCommands(j.lines, g.block)
	env := g.resolve(get(n, "environment"), 0)
	if j.environment = g.named(env); env != nil && env.Kind == yaml.MappingNode {
		j.action = g.str(get(env, "action")).value
	}
	j.hasConc = get(n, "resource_group") != nil
	if v := get(n, "needs"); v != nil {
		j.hasNeeds = true
		j.needs = g.needs(v)
	}
	for _, key := range []string{"id_tokens", "secrets"} {
		for _, p := range pairs(g.resolve(get(n, key), 0)) {
			j.issued[p.key.Value] = true
		}
	}
	if t := g.str(get(n, "interruptible")); t.value == "true" {
		j.interrupts = &t
	}
	j.trigger = get(n, "trigger") != nil
	j.ignored = g.failure(get(n, "allow_failure"))
	g.starts(j, n)
	if len(j.name) > 0 && scansSecrets.MatchString(j.name) {
		g.p.scanned = true
	}
	return j
}

func list(n *yaml.Node) []*yaml.Node {
	if n = deref(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// named is a scalar, or the name in a map: image and environment can be either.
func (g *gitlab) named(n *yaml.Node) text {
	if n = g.resolve(n, 0); n != nil && n.Kind == yaml.MappingNode {
		return g.str(get(n, "name"))
	}
	return g.str(n)
}

func (g *gitlab) needs(n *yaml.Node) []string {
	var out []string
	for _, c := range list(g.resolve(n, 0)) {
		if c = deref(c); c.Kind == yaml.MappingNode {
			c = get(c, "job")
		}
		if t := g.str(c); t.value != "" {
			out = append(out, t.value)
		}
	}
	return out
}

// failure is allow_failure where it forgives anything; a list of exit codes forgives only those.
func (g *gitlab) failure(n *yaml.Node) *text {
	if t := g.str(n); t.value == "true" {
		return &t
	}
	return nil
}

var (
	forTags   = pattern.New(`\$\{?CI_COMMIT_TAG|PIPELINE_SOURCE.*==.*"(web|api|trigger|schedule|chat)"|\$\{?CI_DEPLOY_FREEZE`)
	forOthers = pattern.New(`merge_request|CI_MERGE_REQUEST|CI_COMMIT_BRANCH\s*!=|CI_COMMIT_BRANCH\s*=~`)
)

// starts finds out who starts a job: a person, a tag, or a push by itself.
func (g *gitlab) starts(j *job, n *yaml.Node) {
	when := g.str(get(n, "when")).value
	rules := list(g.resolve(get(n, "rules"), 0))
	if len(rules) > 0 {
		g.startsByRules(j, rules, when)
		return
	}
	j.manual = when == "manual"
	only := g.only(get(n, "only"))
	if len(only) == 0 {
		return
	}
	j.tagOnly = true
	for _, t := range only {
		switch t.value {
		case "tags", "web", "triggers", "api", "schedules", "chat":
		default:
			j.tagOnly = false
		}
		switch t.value {
		case "main", "master", "$CI_DEFAULT_BRANCH", "branches", "pushes":
			at := t
			j.auto = &at
		}
	}
}

func (g *gitlab) only(n *yaml.Node) []text {
	if n = g.resolve(n, 0); n != nil && n.Kind == yaml.MappingNode {
		return g.list(get(n, "refs"))
	}
	return g.list(n)
}

func (g *gitlab) startsByRules(j *job, rules []*yaml.Node, outer string) {
	j.manual, j.tagOnly = true, true
	some := false
	for _, r := range rules {
		r = g.resolve(r, 0)
		when, cond := g.str(get(r, "when")).value, g.str(get(r, "if"))
		if when == "" {
			when = outer
		}
		if when == "never" {
			continue
		}
		some = true
		if when == "manual" {
			continue
		}
		if t := g.str(get(r, "allow_failure")); t.value == "true" && j.ignored == nil {
			j.ignored = &t
		}
		j.manual = false
		if forTags.MatchString(cond.value) {
			continue
		}
		j.tagOnly = false
		if (cond.value == "" || strings.Contains(cond.value, "CI_COMMIT_BRANCH") || strings.Contains(cond.value, "CI_COMMIT_REF_NAME")) && !forOthers.MatchString(cond.value) {
			at := cond
			if at.value == "" {
				at = text{value: j.name, at: j.at}
			}
			j.auto = &at
		}
	}
	if !some {
		j.manual, j.tagOnly = false, false
	}
}
