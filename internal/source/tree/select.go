package tree

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"sigs.k8s.io/yaml"
)

// Limits bound a selection. Zero is no limit.
type Limits struct {
	Files int
	Bytes int64
}

// Selection is the part of a tree that an artifact consists of.
type Selection struct {
	Path     string // where what was asked for really lies: links in its path are resolved
	Digest   string
	Warnings []string

	tree  Tree
	parts []part            // sorted by path, none inside another
	links map[string]string // links by path, and where what they point to really lies
	limit Limits
	chart bool     // what was asked for is a chart's folder
	asked []string // the paths as they were asked for
	// intricate is what depends on more than the content at these paths and those of its parts.
	intricate bool

	one, other *Selection // what Chart gives; nil where it gives nothing
}

// orNone makes of zeros what is never reached.
func (l Limits) orNone() Limits {
	if l.Files <= 0 {
		l.Files = 1 << 30
	}
	if l.Bytes <= 0 {
		l.Bytes = 1 << 62
	}
	return l
}

type part struct {
	path  string
	entry Entry
	extra bool // asked for by name, besides the path
}

// Select finds what belongs to the artifact at p: the folder or file itself, the paths in files
// that exist, and everything that those need.
func (t Tree) Select(ctx context.Context, p string, files []string, limit Limits) (*Selection, error) {
	limit = limit.orNone()
	want, err := Clean(p)
	if err != nil {
		return nil, err
	}
	real, entry, err := t.lookup(ctx, want)
	if err != nil {
		return nil, explainPath(want, err)
	}
	if entry.Kind == Submodule {
		return nil, submodule(real)
	}
	s := &Selection{Path: real, tree: t, limit: limit, links: map[string]string{}, asked: []string{want}, intricate: real != want}
	if err := s.add(ctx, real, entry); err != nil {
		return nil, err
	}
	if s.chart, err = t.isChart(ctx, entry); err != nil {
		return nil, err
	}
	own := len(s.parts)
	for _, f := range files {
		name, err := Clean(f)
		if err != nil {
			return nil, err
		}
		s.asked = append(s.asked, name)
		fileReal, e, err := t.lookup(ctx, name)
		var none *missing
		if errors.As(err, &none) {
			// Missed at another path than it was asked by: a link leads there.
			s.intricate = s.intricate || none.path != name && !strings.HasPrefix(name, none.path+"/")
			continue // whether it may be missing, the one who reads it knows
		}
		if err != nil {
			return nil, explainPath(name, err)
		}
		if err := s.add(ctx, fileReal, e); err != nil {
			return nil, err
		}
		// A file reached through a link has to be found under the name it was asked by.
		if fileReal != name {
			s.intricate = true
			if err := s.addLinks(ctx, name); err != nil {
				return nil, err
			}
		}
	}
	for i := own; i < len(s.parts); i++ {
		s.parts[i].extra = true
	}
	s.seal()
	s.split()
	return s, nil
}

func (t Tree) isChart(ctx context.Context, e Entry) (bool, error) {
	if e.Kind != Dir {
		return false, nil
	}
	entries, err := t.list(ctx, e.ID)
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == "Chart.yaml" }), err
}

// Chart takes a selection apart into a chart, with all that it needs, and the files beside it, so that
// many releases with values of their own share the chart. ok is false for what is no chart, has nothing
// beside it, or holds together by links.
func (s *Selection) Chart() (chart, beside *Selection, ok bool) { return s.one, s.other, s.one != nil }

func (s *Selection) split() {
	if !s.chart || len(s.links) > 0 {
		return
	}
	one, other := *s, *s
	one.parts, other.parts = nil, nil
	for _, p := range s.parts {
		switch {
		case !p.extra:
			one.parts = append(one.parts, p)
		case p.entry.Kind == File || p.entry.Kind == Exec:
			other.parts = append(other.parts, p)
		default:
			return
		}
	}
	if len(other.parts) == 0 {
		return
	}
	one.seal()
	other.seal()
	s.one, s.other = &one, &other
}

// add takes an entry and all that it needs.
func (s *Selection) add(ctx context.Context, p string, e Entry) error {
	if e.Kind == Submodule {
		s.Warnings = append(s.Warnings, p+" is a submodule; submodules are not read")
		return nil
	}
	for _, have := range s.parts {
		if have.path == p || have.path == "." || strings.HasPrefix(p, have.path+"/") {
			return nil
		}
	}
	s.parts = append(s.parts, part{path: p, entry: e})
	if e.Kind != Dir {
		return nil
	}
	found, err := s.tree.scan(ctx, e.ID, s.limit.Files, 0)
	if err != nil {
		return err
	}
	for _, m := range found.submodules {
		s.Warnings = append(s.Warnings, path.Join(p, m)+" is a submodule; submodules are not read")
	}
	s.intricate = s.intricate || len(found.links) > 0
	for _, l := range found.links {
		if err := s.follow(ctx, path.Join(p, l.path), l.target); err != nil {
			return err
		}
	}
	return s.addDependencies(ctx, p, e.ID)
}

// follow takes what a link points to, where that is in the tree.
func (s *Selection) follow(ctx context.Context, at, target string) error {
	if strings.HasPrefix(target, "/") {
		return outside(at, target)
	}
	real, e, err := s.tree.lookup(ctx, path.Dir(at)+"/"+target)
	var none *missing
	switch {
	case errors.Is(err, errOutside):
		return outside(at, target)
	case errors.As(err, &none):
		if !filepath.IsLocal(path.Join(path.Dir(at), target)) {
			return outside(at, target)
		}
		return nil // it dangles; whoever reads it will say so
	case err != nil:
		return err
	}
	s.links[at] = real
	if real == "." {
		return nil // its own root: a loop, not content
	}
	return s.add(ctx, real, e)
}

// addLinks takes the links in the path name, so that it can be opened by that name.
func (s *Selection) addLinks(ctx context.Context, name string) error {
	for range maxLinks {
		at, rest, e, err := s.firstLink(ctx, name)
		if err != nil || at == "" {
			return err
		}
		real, _, err := s.tree.lookup(ctx, at)
		if err != nil {
			return explainPath(at, err)
		}
		s.links[at] = real
		if err := s.add(ctx, at, e); err != nil {
			return err
		}
		name = path.Join(real, rest)
	}
	return nil
}

// firstLink finds the first part of name that is a link; at is empty when there is none.
func (s *Selection) firstLink(ctx context.Context, name string) (at, rest string, link Entry, err error) {
	here, id := ".", s.tree.Root
	parts := strings.Split(name, "/")
	for n, part := range parts {
		entries, err := s.tree.list(ctx, id)
		if err != nil {
			return "", "", Entry{}, err
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == part })
		if i < 0 {
			return "", "", Entry{}, nil
		}
		here, id = path.Join(here, part), entries[i].ID
		if entries[i].Kind == Link {
			return here, path.Join(parts[n+1:]...), entries[i], nil
		}
		if entries[i].Kind != Dir {
			return "", "", Entry{}, nil
		}
	}
	return "", "", Entry{}, nil
}

// addDependencies takes the charts that a chart names with file://. One that is missing may be
// vendored in charts/; the renderer knows.
func (s *Selection) addDependencies(ctx context.Context, p, id string) error {
	deps, err := s.tree.dependencies(ctx, id)
	if err != nil {
		return err
	}
	for _, d := range deps {
		real, e, err := s.tree.lookup(ctx, p+"/"+d)
		var none *missing
		switch {
		case errors.Is(err, errOutside):
			return &model.Error{
				Kind: model.ErrInvalid, Reason: "PathOutsideRepository", File: path.Join(p, "Chart.yaml"),
				Msg: fmt.Sprintf("dependency file://%s leaves the repository", d),
			}
		case errors.As(err, &none):
			s.intricate = true
			continue
		case err != nil:
			return err
		}
		if real == "." || p == real || strings.HasPrefix(p, real+"/") {
			continue // a chart cannot contain itself
		}
		if err := s.add(ctx, real, e); err != nil {
			return err
		}
	}
	return nil
}

// dependencies reads the file:// dependencies of the chart in a folder, relative to it. A chart
// that cannot be parsed has none: the renderer reports it with its line.
func (t Tree) dependencies(ctx context.Context, id string) ([]string, error) {
	if deps, ok := t.Cache.dependencies(id); ok {
		return deps, nil
	}
	entries, err := t.list(ctx, id)
	if err != nil {
		return nil, err
	}
	var deps []string
	for _, e := range entries {
		if (e.Name != "Chart.yaml" && e.Name != "requirements.yaml") || (e.Kind != File && e.Kind != Exec) {
			continue
		}
		data, err := t.Reader.Read(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		var chart struct {
			Dependencies []struct {
				Repository string `json:"repository"`
			} `json:"dependencies"`
		}
		if len(data) > 1<<20 || yaml.Unmarshal(data, &chart) != nil {
			continue
		}
		for _, d := range chart.Dependencies {
			if p, ok := strings.CutPrefix(d.Repository, "file://"); ok && p != "" && !path.IsAbs(p) {
				deps = append(deps, p)
			}
		}
	}
	t.Cache.keepDependencies(id, deps)
	return deps, nil
}

// seal sorts the parts, drops those inside of others, and computes the digest.
func (s *Selection) seal() {
	slices.SortFunc(s.parts, func(a, b part) int { return strings.Compare(a.path, b.path) })
	var kept []part
	for _, p := range s.parts {
		inside := slices.ContainsFunc(s.parts, func(o part) bool {
			return o.path != p.path && o.entry.Kind == Dir && (o.path == "." || strings.HasPrefix(p.path, o.path+"/"))
		})
		if !inside {
			kept = append(kept, p)
		}
	}
	s.parts = kept
	sum := [][]byte{[]byte("tree"), []byte(s.Path)}
	for _, p := range s.parts {
		sum = append(sum, []byte(p.path), []byte{byte(p.entry.Kind)}, []byte(p.entry.ID))
	}
	s.Digest = model.Digest(sum...)
	slices.Sort(s.Warnings)
	s.Warnings = slices.Compact(s.Warnings)
}

func outside(at, target string) error {
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "LinkOutsideRepository", File: at,
		Msg:  fmt.Sprintf("symbolic link to %q leads out of the repository", target),
		Next: "replace the link by what it points to",
	}
}

func submodule(p string) error {
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "SubmoduleNotSupported", Msg: p + " is a submodule; submodules are not read",
		Next: "name the submodule's own repository as the source",
	}
}

// explainPath turns a failed lookup of a path that a request names into an error for people.
func explainPath(p string, err error) error {
	var none *missing
	switch {
	case errors.Is(err, errOutside):
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "PathOutsideRepository", Msg: fmt.Sprintf("path %q leads out of the repository through a symbolic link", p),
			Next: "replace the link by what it points to",
		}
	case errors.As(err, &none):
		msg := fmt.Sprintf("path %q does not exist in the repository", p)
		if none.path != p {
			msg += ": there is no " + none.path
		}
		e := &model.Error{Kind: model.ErrNotFound, Reason: "PathNotFound", Msg: msg}
		if names := namesOf(none.have); names != "" {
			e.Next = none.dir + " holds " + names
			if none.dir == "." {
				e.Next = "the repository's root holds " + names
			}
		}
		return e
	}
	return fmt.Errorf("looking up path %q: %w", p, err)
}

func namesOf(entries []Entry) string {
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") {
			continue
		}
		if e.Kind == Dir {
			e.Name += "/"
		}
		names = append(names, e.Name)
	}
	if len(names) > 12 {
		names = append(names[:12], fmt.Sprintf("and %d more", len(names)-12))
	}
	return strings.Join(names, ", ")
}
