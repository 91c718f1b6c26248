package tree

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Selections remembers what was selected from the trees of one repository, and moves along with them:
// after a commit only what that touches is selected anew, however many releases there are. The zero
// value is ready; it is safe for concurrent use.
//
// What is selected for one branch, tag or range moves from tree to tree together: it is a line.
type Selections struct {
	mu      sync.Mutex
	lines   map[model.GitRef]*line
	kept    int             // selections of all lines
	touched map[string]bool // what Touched is to tell
}

// line is what was selected for one GitRef.
type line struct {
	root  string                // the tree that all of known are of
	known map[string]*Selection // by key
}

const (
	// maxKnown bounds the memory; what is forgotten is selected anew.
	maxKnown = 20_000
	// maxChanges is when looking at every change costs more than selecting anew.
	maxChanges = 256
)

// Select is Tree.Select for one who asks under a key, which stands for path and files, of the tree
// that a GitRef is at. What it gives is told by Touched when it may have changed.
func (s *Selections) Select(ctx context.Context, of model.GitRef, key string, t Tree, p string, files []string, limit Limits) (*Selection, error) {
	if old := s.find(of, key, t.Root); old != nil && old.limit == limit.orNone() {
		return old.in(t), nil
	}
	sel, err := t.Select(ctx, p, files, limit)
	if err == nil {
		s.keep(of, key, sel)
	}
	return sel, err
}

func (s *Selections) find(of model.GitRef, key, root string) *Selection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[of]; l != nil && l.root == root {
		return l.known[key]
	}
	return nil
}

func (s *Selections) keep(of model.GitRef, key string, sel *Selection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept >= maxKnown {
		s.clear()
	}
	if s.lines == nil {
		s.lines = map[model.GitRef]*line{}
	}
	l := s.lines[of]
	if l == nil {
		l = &line{root: sel.tree.Root, known: map[string]*Selection{}}
		s.lines[of] = l
	}
	if l.root != sel.tree.Root {
		s.touch(key) // the line has moved on, or has not come there yet: nothing will follow it
		return
	}
	if l.known[key] == nil {
		s.kept++
	}
	l.known[key] = sel
}

// Move takes every line to the tree that its GitRef is at now. Where that is not known the line ends.
func (s *Selections) Move(ctx context.Context, at func(model.GitRef) (t Tree, known bool)) {
	s.mu.Lock()
	from := make(map[model.GitRef]string, len(s.lines))
	for of, l := range s.lines {
		from[of] = l.root
	}
	s.mu.Unlock()
	for of, root := range from {
		to, known := at(of)
		if known && to.Root == root {
			continue
		}
		var changed []string
		if known {
			changed, known = changes(ctx, root, to)
		}
		s.mu.Lock()
		l := s.lines[of]
		switch {
		case l == nil || l.root != root: // cleared meanwhile
		case !known:
			s.end(of)
		default:
			l.root = to.Root
			for key, sel := range l.known {
				if sel.touchedBy(changed) {
					delete(l.known, key)
					s.kept--
					s.touch(key)
				}
			}
		}
		s.mu.Unlock()
	}
}

// Touched gives the keys of what is, or may be, selected differently than before the last call. All
// else that was selected is as it was.
func (s *Selections) Touched() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := slices.Collect(maps.Keys(s.touched))
	s.touched = nil
	return keys
}

// Clear forgets everything, as is needed when content turns out to be gone.
func (s *Selections) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// clear, end and touch are called with mu held.
func (s *Selections) clear() {
	for of := range s.lines {
		s.end(of)
	}
}

func (s *Selections) end(of model.GitRef) {
	for key := range s.lines[of].known {
		s.touch(key)
		s.kept--
	}
	delete(s.lines, of)
}

func (s *Selections) touch(key string) {
	if s.touched == nil {
		s.touched = map[string]bool{}
	}
	s.touched[key] = true
}

// touchedBy reports whether a selection may be another where these paths differ. One that depends on
// links, or on something that is not there, is not looked into.
func (s *Selection) touchedBy(changed []string) bool {
	if s.intricate {
		return true
	}
	for _, c := range changed {
		for _, a := range s.asked {
			if touches(c, a) {
				return true
			}
		}
		for i := range s.parts {
			if touches(c, s.parts[i].path) {
				return true
			}
		}
	}
	return false
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
func touches(a, b string) bool { return a == b || a == "." || b == "." || in(a, b) || in(b, a) }

func in(p, dir string) bool {
	return len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

// changes are the paths at which two trees differ; known is false when there are many, or the earlier
// tree cannot be read any more.
func changes(ctx context.Context, from string, t Tree) (paths []string, known bool) {
	d := differ{tree: t}
	err := d.compare(ctx, "", from, t.Root)
	return d.paths, err == nil && len(d.paths) <= maxChanges
}

type differ struct {
	tree  Tree
	paths []string
}

// compare notes what differs between two folders at the same path, which ends with a slash.
func (d *differ) compare(ctx context.Context, at, from, to string) error {
	old, err := d.tree.list(ctx, from)
	if err != nil {
		return err
	}
	cur, err := d.tree.listLike(ctx, to, old)
	if err != nil {
		return err
	}
	// A commit to a large folder seldom changes more than one place in it.
	for len(old) > 0 && len(cur) > 0 && old[0] == cur[0] {
		old, cur = old[1:], cur[1:]
	}
	for len(old) > 0 && len(cur) > 0 && old[len(old)-1] == cur[len(cur)-1] {
		old, cur = old[:len(old)-1], cur[:len(cur)-1]
	}
	before := make(map[string]Entry, len(old))
	for _, e := range old {
		before[e.Name] = e
	}
	for _, e := range cur {
		was, found := before[e.Name]
		delete(before, e.Name)
		switch {
		case found && was == e:
		case found && was.Kind == Dir && e.Kind == Dir && len(d.paths) <= maxChanges:
			if err := d.compare(ctx, at+e.Name+"/", was.ID, e.ID); err != nil {
				return err
			}
		default:
			d.paths = append(d.paths, at+e.Name)
		}
	}
	for name := range before {
		d.paths = append(d.paths, at+name)
	}
	return nil
}
