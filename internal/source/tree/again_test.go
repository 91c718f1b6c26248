package tree

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// files is a tree in memory: paths and contents, a content that begins with -> being a link's target.
type files map[string]string

func (f files) id(dir string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if dir == "." || strings.HasPrefix(name, dir+"/") {
			parts = append(parts, name+"="+f[name])
		}
	}
	return dir + "|" + strings.Join(parts, ";")
}

// reader finds folders of every tree that was ever made: an ID is the folder and all it holds.
type reader struct {
	trees map[string]files
	lists int
}

func (r *reader) add(f files) string {
	for name := range f {
		for dir := path.Dir(name); ; dir = path.Dir(dir) {
			r.trees[f.id(dir)] = f
			if dir == "." {
				break
			}
		}
	}
	return f.id(".")
}

func (r *reader) List(_ context.Context, id string) ([]Entry, error) {
	r.lists++
	f, ok := r.trees[id]
	if !ok {
		return nil, errors.New("no such folder")
	}
	dir, _, _ := strings.Cut(id, "|")
	found := map[string]Entry{}
	for name, content := range f {
		below, in := strings.CutPrefix(name, dir+"/")
		if dir == "." {
			below, in = name, true
		}
		if !in {
			continue
		}
		first, _, deeper := strings.Cut(below, "/")
		e := Entry{Name: first, Kind: File, ID: "=" + content}
		switch {
		case deeper:
			e.Kind, e.ID = Dir, f.id(path.Join(dir, first))
		case strings.HasPrefix(content, "->"):
			e.Kind, e.ID = Link, "="+content[2:]
		}
		found[first] = e
	}
	entries := slices.Collect(maps.Values(found))
	Sort(entries)
	return entries, nil
}

func (r *reader) Read(_ context.Context, id string) ([]byte, error) { return []byte(id[1:]), nil }

// TestSelectAgain: whatever a commit changes, what is selected again is what would be selected anew, and
// what would be another selection is told as touched.
func TestSelectAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	names := []string{
		"charts/app/Chart.yaml", "charts/app/templates/a.yaml", "charts/app/values-prod.yaml", "charts/lib/Chart.yaml",
		"envs/1.yaml", "envs/2.yaml", "envs", "linked", "README.md", "charts/app",
	}
	content := func(name string) string {
		switch {
		case strings.HasSuffix(name, "Chart.yaml"):
			return pick("name: a", "dependencies: [{name: lib, repository: 'file://../lib'}]", "dependencies: [{name: x, repository: 'file://../none'}]")
		case name == "linked" || random.IntN(8) == 0:
			return pick("->envs/1.yaml", "->charts/app", "->none")
		}
		return pick("a: 1", "a: 2", "a: 3")
	}
	put := func(f files, name string) {
		for have := range f { // what stands in the way gives way
			if strings.HasPrefix(have, name+"/") || strings.HasPrefix(name, have+"/") {
				delete(f, have)
			}
		}
		f[name] = content(name)
	}
	r := &reader{trees: map[string]files{}}
	asks := [][]string{{"charts/app"}, {"charts/app", "envs/1.yaml"}, {"charts/app", "linked", "envs/2.yaml"}, {"envs"}, {"."}}
	branches := []model.GitRef{{Branch: "main"}, {Branch: "next"}}
	var known Selections
	now := files{"README.md": "a: 1"}
	at := map[model.GitRef]Tree{}
	settled := map[string]string{} // digests that nobody was told to look at again, by key
	same, anew, left := 0, 0, 0
	for step := range 1500 {
		now = maps.Clone(now)
		for range 1 + random.IntN(2) {
			if name := pick(names...); random.IntN(4) == 0 && len(now) > 1 {
				delete(now, name)
			} else {
				put(now, name)
			}
		}
		tree := Tree{Reader: r, Root: r.add(now)}
		for _, of := range branches { // one of them now and then stays behind, is gone, or is forgotten
			if random.IntN(3) > 0 {
				at[of] = tree
			}
		}
		known.Move(t.Context(), func(of model.GitRef) (Tree, bool) { return at[of], random.IntN(50) > 0 })
		if random.IntN(200) == 0 {
			known.Clear()
		}
		for _, key := range known.Touched() {
			delete(settled, key)
		}
		for _, of := range branches {
			for _, ask := range asks {
				tree, key := at[of], fmt.Sprint(of, ask)
				if tree.Root == "" {
					continue
				}
				want, wantErr := tree.Select(t.Context(), ask[0], ask[1:], Limits{})
				if digest, ok := settled[key]; ok {
					left++
					if wantErr != nil || want.Digest != digest {
						t.Fatalf("step %d: nobody was told that %s changed: %v", step, key, wantErr)
					}
				}
				if random.IntN(20) == 0 { // somebody asks of a tree that is not the line's
					other := Tree{Reader: r, Root: r.add(files{"charts/app/Chart.yaml": "name: other", "envs/1.yaml": "a: 9"})}
					if got, err := known.Select(t.Context(), of, key, other, ask[0], ask[1:], Limits{}); err == nil {
						settled[key] = got.Digest
					} else {
						delete(settled, key)
					}
					continue
				}
				before := r.lists
				got, err := known.Select(t.Context(), of, key, tree, ask[0], ask[1:], Limits{})
				if r.lists > before {
					anew++
				} else {
					same++
				}
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Fatalf("step %d, %v of %v: %v, want %v", step, ask, now, err, wantErr)
				}
				if delete(settled, key); err != nil {
					continue
				}
				settled[key] = got.Digest
				if got.Digest != want.Digest || got.Path != want.Path || (got.one == nil) != (want.one == nil) ||
					got.one != nil && (got.one.Digest != want.one.Digest || got.other.Digest != want.other.Digest) {
					t.Fatalf("step %d, %v of %v: %+v, want %+v", step, ask, now, got, want)
				}
			}
		}
	}
	t.Logf("%d were the same without a look, %d were looked at, %d were left alone", same, anew, left)
	if same == 0 || anew == 0 || left == 0 {
		t.Error("one of the ways was never gone")
	}
}
