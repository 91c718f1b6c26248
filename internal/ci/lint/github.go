package lint

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// readGitHub reads one workflow.
func readGitHub(f *files, name string) (*pipeline, error) {
	tree, err := f.read(name)
	if err != nil {
		return nil, err
	}
	h := &github{files: f, p: &pipeline{provider: GitHub, name: name, start: place{file: name, line: tree.Line, col: tree.Column}}}
	h.p.vars = h.variables(get(tree, "env"))
	h.triggers(tree)
	h.p.github.permissions = h.permissions(tree)
	h.p.github.concurrency, h.p.github.cancels = h.concurrency(get(tree, "concurrency"))
	for _, p := range pairs(get(tree, "jobs")) {
		h.p.jobs = append(h.p.jobs, h.job(p))
	}
	return h.p, nil
}

type github struct {
	*files
	p *pipeline
}

// triggers reads "on", which YAML 1.1 reads as true; yaml.v3 keeps the word.
func (h *github) triggers(tree *yaml.Node) {
	w := &h.p.github
	w.triggers = map[string]place{}
	on := get(tree, "on")
	if on == nil {
		on = get(tree, "true")
	}
	if on == nil {
		return
	}
	if on.Kind != yaml.MappingNode {
		for _, t := range h.strs(on) {
			w.triggers[t.value] = t.at
		}
		return
	}
	for _, p := range pairs(on) {
		w.triggers[p.key.Value] = h.place(p.key)
	}
	w.branches = h.strs(get(get(on, "push"), "branches"))
	if push := get(on, "push"); push != nil && get(push, "tags") != nil && get(push, "branches") == nil {
		w.triggers["tags"] = w.triggers["push"]
		delete(w.triggers, "push")
	}
}

func (h *github) variables(n *yaml.Node) []variable {
	var out []variable
	for _, p := range pairs(n) {
		value := h.str(p.value)
		if value.at.line == 0 {
			value.at = h.place(p.key)
		}
		out = append(out, variable{name: p.key.Value, value: value})
	}
	return out
}

func (h *github) permissions(n *yaml.Node) *text {
	k, v := find(n, "permissions")
	if v == nil {
		return nil
	}
	t := h.str(v)
	if t.at.line == 0 {
		t.at = h.place(k)
	}
	return &t
}

func (h *github) concurrency(n *yaml.Node) (bool, *text) {
	if n == nil {
		return false, nil
	}
	if t := h.str(get(n, "cancel-in-progress")); t.value == "true" {
		return true, &t
	}
	return true, nil
}

func (h *github) job(p pair) *job {
	n := deref(p.value)
	j := &job{name: p.key.Value, at: h.place(p.key), issued: map[string]bool{}}
	j.vars = h.variables(get(n, "env"))
	j.image = h.image(get(n, "container"))
	if c := get(n, "container"); c != nil {
		if o := h.str(get(c, "options")); strings.Contains(o.value, "--privileged") {
			j.privileged = &o
		}
	}
	for _, s := range pairs(get(n, "services")) {
		j.services = append(j.services, h.image(s.value))
	}
	env := get(n, "environment")
	if j.environment = h.str(env); env != nil && env.Kind == yaml.MappingNode {
		j.environment = h.str(get(env, "name"))
	}
	j.needs = nil
	for _, t := range h.strs(get(n, "needs")) {
		j.needs = append(j.needs, t.value)
	}
	j.hasNeeds = true // jobs without needs start at once
	j.permissions = h.permissions(n)
	j.hasConc, j.interrupts = h.concurrency(get(n, "concurrency"))
	if !j.hasConc {
		j.hasConc, j.interrupts = h.p.github.concurrency, h.p.github.cancels
	}
	if t := h.str(get(n, "continue-on-error")); t.value == "true" {
		j.ignored = &t
	}
	if t := h.str(get(n, "uses")); t.value != "" {
		j.trigger = true
		j.uses = append(j.uses, action{text: t})
	}
	for _, s := range list(get(n, "steps")) {
		h.step(j, deref(s))
	}
	h.starts(j, h.str(get(n, "if")).value)
	return j
}

func (h *github) image(n *yaml.Node) text {
	if n = deref(n); n != nil && n.Kind == yaml.MappingNode {
		return h.str(get(n, "image"))
	}
	return h.str(n)
}

func (h *github) step(j *job, n *yaml.Node) {
	j.vars = append(j.vars, h.variables(get(n, "env"))...)
	if t := h.str(get(n, "uses")); t.value != "" {
		a := action{text: t, with: map[string]text{}}
		for _, p := range pairs(get(n, "with")) {
			a.with[p.key.Value] = h.str(p.value)
		}
		j.uses = append(j.uses, a)
		if scansSecrets.MatchString(t.value) {
			h.p.scanned = true
		}
		return
	}
	run := h.str(get(n, "run"))
	if run.value == "" {
		return
	}
	cmds := scriptCommands([]text{run}, h.block)
	if get(n, "continue-on-error") != nil && h.str(get(n, "continue-on-error")).value == "true" {
		for _, c := range cmds {
			c.ignored = true
		}
	}
	for _, c := range cmds {
		c.item = len(j.lines) // each has a shell of its own
	}
	j.lines = append(j.lines, run)
	j.script = append(j.script, cmds...)
}

// starts finds out what starts a job: the workflow's triggers, narrowed by its condition.
func (h *github) starts(j *job, cond string) {
	w := h.p.github
	deliberate := true
	for t := range w.triggers {
		switch t {
		case "workflow_dispatch", "release", "tags", "schedule", "repository_dispatch", "workflow_call", "deployment":
		default:
			deliberate = false
		}
	}
	j.tagOnly = deliberate || strings.Contains(cond, "refs/tags/") || strings.Contains(cond, "'workflow_dispatch'") ||
		strings.Contains(cond, "'release'") || strings.Contains(cond, "ref_type == 'tag'")
	if at, ok := w.triggers["push"]; ok && !j.tagOnly {
		start := text{value: "push", at: at}
		for _, b := range w.branches {
			if b.value == "main" || b.value == "master" {
				start = b
			}
		}
		j.auto = &start
	}
}
