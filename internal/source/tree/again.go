package tree

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Selections remembers what was selected from the trees of one repository. After a commit only what
// that touches is selected anew, however many releases there are. The zero value is ready; it is safe
// for concurrent use.
type Selections struct {
	mu    sync.Mutex
	known map[string]*Selection // by what was asked for

	// The difference between two trees, which many selections ask for one after the other.
	from, to string
	paths    []string
	few      bool
}

const (
	// maxKnown bounds the memory; what is forgotten is selected anew.
	maxKnown = 20_000
	// maxChanges is when looking at every change costs more than selecting anew.
	maxChanges = 256
)

// Select is Tree.Select.
func (s *Selections) Select(ctx context.Context, t Tree, p string, files []string, limit Limits) (*Selection, error) {
	key := p + "\x00" + strings.Join(files, "\x00")
	s.mu.Lock()
	old := s.known[key]
	s.mu.Unlock()
	if old != nil && old.limit == limit.orNone() && s.untouched(ctx, old, t) {
		same := old.in(t)
		s.keep(key, same)
		return same, nil
	}
	sel, err := t.Select(ctx, p, files, limit)
	if err == nil {
		s.keep(key, sel)
	}
	return sel, err
}

// Clear forgets everything, as is needed when content turns out to be gone.
func (s *Selections) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.from, s.to = nil, "", ""
}

func (s *Selections) keep(key string, sel *Selection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxKnown {
		s.known = map[string]*Selection{}
	}
	s.known[key] = sel
}

// untouched reports whether a selection of an earlier tree is the same in t. One that depends on links,
// or on something that is not there, is not looked into.
func (s *Selections) untouched(ctx context.Context, old *Selection, t Tree) bool {
	if old.intricate {
		return false
	}
	if old.tree.Root == t.Root {
		return true
	}
	changed, few := s.changes(ctx, old.tree.Root, t)
	if !few {
		return false
	}
	return !slices.ContainsFunc(changed, func(c string) bool {
		return slices.ContainsFunc(old.asked, func(a string) bool { return touches(c, a) }) ||
			slices.ContainsFunc(old.parts, func(p part) bool { return touches(c, p.path) })
	})
}

// in is the same selection of another tree.
func (s *Selection) in(t Tree) *Selection {
	same := *s
	same.tree = t
	if s.one != nil {
		same.one, same.other = s.one.in(t), s.other.in(t)
	}
	return &same
}

// touches reports whether one of two paths is, or lies in, the other.
func touches(a, b string) bool {
	return a == b || a == "." || b == "." || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

// changes are the paths at which two trees differ; few is false when there are many, or the earlier
// tree cannot be read any more.
func (s *Selections) changes(ctx context.Context, from string, t Tree) (paths []string, few bool) {
	s.mu.Lock()
	if s.from == from && s.to == t.Root {
		defer s.mu.Unlock()
		return s.paths, s.few
	}
	s.mu.Unlock()
	d := differ{tree: t}
	err := d.compare(ctx, "", from, t.Root)
	few = err == nil && len(d.paths) <= maxChanges
	if ctx.Err() == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.from, s.to, s.paths, s.few = from, t.Root, d.paths, few
	}
	return d.paths, few
}

type differ struct {
	tree  Tree
	paths []string
}

// compare notes what differs between two folders at the same path, which ends with a slash.
func (d *differ) compare(ctx context.Context, at, from, to string) error {
	old, err := d.entries(ctx, from)
	if err != nil {
		return err
	}
	cur, err := d.entries(ctx, to)
	if err != nil {
		return err
	}
	for name, e := range cur {
		was, found := old[name]
		delete(old, name)
		switch {
		case found && was == e:
		case found && was.Kind == Dir && e.Kind == Dir && len(d.paths) <= maxChanges:
			if err := d.compare(ctx, at+name+"/", was.ID, e.ID); err != nil {
				return err
			}
		default:
			d.paths = append(d.paths, at+name)
		}
	}
	for name := range old {
		d.paths = append(d.paths, at+name)
	}
	return nil
}

func (d *differ) entries(ctx context.Context, id string) (map[string]Entry, error) {
	list, err := d.tree.list(ctx, id)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]Entry, len(list))
	for _, e := range list {
		byName[e.Name] = e
	}
	return byName, nil
}
