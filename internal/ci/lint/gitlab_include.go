package lint

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// includes gives the files of this repository that are included; the others go to the pipeline.
func (g *gitlab) includes(n *yaml.Node) []text {
	n = deref(n)
	if n == nil {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var local []text
	for _, item := range items {
		item = deref(item)
		if item.Kind == yaml.ScalarNode {
			if strings.HasPrefix(item.Value, "http://") || strings.HasPrefix(item.Value, "https://") {
				g.include("remote", g.str(item), "", false)
			} else {
				local = append(local, g.local(g.str(item))...)
			}
			continue
		}
		if t := g.str(get(item, "local")); t.value != "" {
			local = append(local, g.local(t)...)
		}
		if t := g.str(get(item, "remote")); t.value != "" {
			g.include("remote", t, "", get(item, "integrity") != nil)
		}
		if t := g.str(get(item, "project")); t.value != "" {
			g.include("project", t, g.str(get(item, "ref")).value, false)
		}
		if t := g.str(get(item, "component")); t.value != "" {
			_, version, _ := strings.Cut(t.value, "@")
			g.include("component", t, version, false)
		}
		if t := g.str(get(item, "template")); t.value != "" {
			g.include("template", t, "", false)
		}
	}
	return local
}

func (g *gitlab) include(kind string, what text, ref string, verified bool) {
	g.p.includes = append(g.p.includes, include{kind: kind, what: what, ref: ref, verified: verified})
	if scansSecrets.MatchString(what.value) {
		g.p.scanned = true
	}
}

// local finds the files that a path with wildcards names. A name with variables is left out: what it
// will be is not in the file.
func (g *gitlab) local(t text) []text {
	name := path.Clean(strings.TrimPrefix(t.value, "/"))
	if strings.Contains(name, "$") {
		return nil
	}
	names := []string{name}
	if strings.ContainsAny(name, "*?[") {
		names = g.glob(name)
	}
	var out []text
	for _, n := range names {
		if !g.stack[n] && g.count < maxIncludes {
			g.count++
			out = append(out, text{value: n, at: t.at})
		}
	}
	return out
}

// glob is fs.Glob where "**" stands for any folders, as in GitLab's include.
func (g *gitlab) glob(pattern string) []string {
	if !strings.Contains(pattern, "**") {
		names, _ := fs.Glob(g.root, pattern)
		return names
	}
	before, after, _ := strings.Cut(pattern, "**")
	if strings.HasPrefix(after, "/") {
		after = after[1:]
	} else {
		after = "*" + after
	}
	var out []string
	_ = fs.WalkDir(g.root, path.Clean("./"+strings.TrimSuffix(before, "/")), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if ok, _ := path.Match(after, lastParts(name, strings.Count(after, "/")+1)); ok && !d.IsDir() && len(out) < maxIncludes {
			out = append(out, name)
		}
		return nil
	})
	return out
}

// lastParts are the last n parts of a path.
func lastParts(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[max(0, len(parts)-n):], "/")
}

// missing turns the error of an included file into one of the line that includes it.
func missing(at place, name string) error {
	return &model.Error{Kind: model.ErrNotFound, Reason: "IncludeNotFound", File: at.file, Line: at.line,
		Msg: fmt.Sprintf("including %q: there is no such file in the repository", name)}
}
