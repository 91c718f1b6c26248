package lint

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// reserved are the keys of .gitlab-ci.yml that are no jobs (docs.gitlab.com/ci/yaml, "Global
// keywords" and the older ones that were global once).
var reserved = map[string]bool{
	"default": true, "include": true, "stages": true, "variables": true, "workflow": true, "spec": true,
	"image": true, "services": true, "cache": true, "before_script": true, "after_script": true, "types": true,
}

// inherited are the keys of a job that "default" fills in.
var inherited = []string{
	"image", "services", "before_script", "after_script", "interruptible", "id_tokens", "timeout", "retry", "tags", "artifacts", "cache",
}

// gitlab reads one pipeline with everything it includes from the repository.
type gitlab struct {
	*files
	tree  *yaml.Node // all files merged
	p     *pipeline
	stack map[string]bool
	count int
}

func readGitLab(f *files, name string) (*pipeline, error) {
	g := &gitlab{files: f, p: &pipeline{provider: GitLab, name: name}, stack: map[string]bool{}}
	tree, err := g.load(name)
	if err != nil {
		return nil, err
	}
	g.tree = tree
	g.p.start = place{file: name, line: 1, col: 1}
	for _, p := range pairs(tree) {
		if f.of[p.key] == name {
			g.p.start = f.place(p.key)
			break
		}
	}
	g.p.vars = g.variables(get(tree, "variables"))
	for _, p := range pairs(tree) {
		key := p.key.Value
		if reserved[key] || strings.HasPrefix(key, ".") || deref(p.value).Kind != yaml.MappingNode {
			continue
		}
		g.p.jobs = append(g.p.jobs, g.job(key, p))
	}
	return g.p, nil
}

// load reads a file and merges it over what it includes from the repository.
func (g *gitlab) load(name string) (*yaml.Node, error) {
	own, err := g.read(name)
	if err != nil {
		return nil, err
	}
	g.stack[name] = true
	defer delete(g.stack, name)
	var base *yaml.Node
	for _, inc := range g.includes(get(own, "include")) {
		sub, err := g.load(inc.value)
		if model.ReasonOf(err, "") == "NoPipeline" {
			return nil, missing(inc.at, inc.value)
		}
		if err != nil {
			return nil, err
		}
		base = merge(base, sub)
	}
	return merge(base, own), nil
}

// merge lays over's keys upon base's, maps in maps alike; lists and scalars are replaced. That is
// how GitLab merges both included files and extended jobs.
func merge(base, over *yaml.Node) *yaml.Node {
	base, over = deref(base), deref(over)
	if base == nil || over == nil || base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		if over == nil {
			return base
		}
		return over
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: over.Line, Column: over.Column}
	mine := pairs(over)
	for _, p := range pairs(base) {
		key, value := p.key, p.value
		for _, m := range mine {
			if m.key.Value == key.Value {
				key, value = m.key, merge(value, m.value)
			}
		}
		out.Content = append(out.Content, key, value)
	}
	for _, m := range mine {
		if get(out, m.key.Value) == nil {
			out.Content = append(out.Content, m.key, m.value)
		}
	}
	return out
}

// flat is a job with all it extends laid beneath it.
func (g *gitlab) flat(n *yaml.Node, depth int) *yaml.Node {
	parents := g.strs(get(n, "extends"))
	if len(parents) == 0 || depth > 10 {
		return n
	}
	var base *yaml.Node
	for _, name := range parents {
		if parent := get(g.tree, name.value); parent != nil {
			base = merge(base, g.flat(parent, depth+1))
		}
	}
	return merge(base, n)
}

// withDefaults fills in what "default", or the older global keys, say.
func (g *gitlab) withDefaults(n *yaml.Node) *yaml.Node {
	if in := get(get(n, "inherit"), "default"); in != nil && in.Value == "false" {
		return n
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	for _, p := range pairs(n) {
		out.Content = append(out.Content, p.key, p.value)
	}
	for _, key := range inherited {
		if get(n, key) != nil {
			continue
		}
		if k, v := find(get(g.tree, "default"), key); v != nil {
			out.Content = append(out.Content, k, v)
		} else if k, v := find(g.tree, key); v != nil {
			out.Content = append(out.Content, k, v)
		}
	}
	return out
}

// resolve replaces !reference by what it points to, where it points to something that is known.
func (g *gitlab) resolve(n *yaml.Node, depth int) *yaml.Node {
	n = deref(n)
	if n == nil || depth > 10 {
		return n
	}
	if n.Tag == "!reference" && n.Kind == yaml.SequenceNode {
		at := g.tree
		for i, part := range n.Content {
			next := get(at, part.Value)
			if next == nil && i > 0 {
				next = get(g.flat(at, 0), part.Value)
			}
			if next == nil {
				return nil
			}
			at = next
		}
		return g.resolve(at, depth+1)
	}
	if n.Kind == yaml.SequenceNode {
		out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Line: n.Line, Column: n.Column}
		for _, c := range n.Content {
			if r := g.resolve(c, depth+1); r != nil {
				out.Content = append(out.Content, r)
			}
		}
		return out
	}
	return n
}

func (g *gitlab) list(n *yaml.Node) []text { return g.strs(g.resolve(n, 0)) }

// variables reads a map of variables: values, or maps with a value and a description.
func (g *gitlab) variables(n *yaml.Node) []variable {
	n = g.resolve(n, 0)
	var out []variable
	for _, p := range pairs(n) {
		value := g.str(p.value)
		if v := deref(p.value); v != nil && v.Kind == yaml.MappingNode {
			value = g.str(get(v, "value"))
		}
		if value.at.line == 0 {
			value.at = g.place(p.key)
		}
		out = append(out, variable{name: p.key.Value, value: value})
	}
	return out
}
