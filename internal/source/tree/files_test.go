package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFiles: what is read from the tree is what would be on disk.
func TestFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	names := []string{
		"apps/a.yaml", "apps/b.yaml", "apps/b/c.yaml", "apps/b-d.yaml", "apps/b/e/f.yaml", "more/g.yaml", "h.yaml", "more/link", "apps/Chart.yaml",
	}
	r := &reader{trees: map[string]files{}}
	linked, read := 0, 0
	for step := range 100 {
		now := files{}
		for range 1 + random.IntN(6) {
			name := names[random.IntN(len(names))]
			if now[name] = fmt.Sprintf("n: %d", random.IntN(100)); name == "more/link" {
				now[name] = "->g.yaml"
			}
		}
		tree := Tree{Reader: r, Root: r.add(now)}
		for _, ask := range [][]string{{"."}, {"apps"}, {"more", "apps/b"}, {"h.yaml"}, {"apps", "none"}} {
			sel, err := tree.Select(t.Context(), ask[0], ask[1:], Limits{})
			if err != nil {
				continue
			}
			from, ok := sel.Files(func(err error) { t.Errorf("step %d: told of %v", step, err) })
			if !ok {
				linked++
				continue
			}
			read++
			dir := t.TempDir()
			if _, err := sel.Write(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			for _, p := range ask {
				if diff := cmp.Diff(all(t, os.DirFS(dir), p), all(t, from, p)); diff != "" {
					t.Fatalf("step %d, %s of %v (-on disk +read):\n%s", step, p, now, diff)
				}
			}
		}
	}
	if linked == 0 || read == 0 {
		t.Errorf("%d with links and %d without", linked, read)
	}
}

// all is every path and content below one, or the error.
func all(t *testing.T, from fs.FS, below string) (lines []string) {
	t.Helper()
	err := fs.WalkDir(from, below, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			lines = append(lines, fmt.Sprint(name, " ", errors.Is(err, fs.ErrNotExist)))
			return err
		}
		text, err := fs.ReadFile(from, name)
		lines = append(lines, fmt.Sprintf("%s %v %s", name, e.Type(), text))
		if id, ok := e.(interface{ ContentID() string }); ok && id.ContentID() != "="+string(text) {
			t.Errorf("%s has the ID %q and holds %q", name, id.ContentID(), text)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return lines
}

// TestFilesTellOfTheReader: an error of the reader is no missing path, and is told.
func TestFilesTellOfTheReader(t *testing.T) {
	r := &reader{trees: map[string]files{}}
	tree := Tree{Reader: r, Root: r.add(files{"apps/b/a.yaml": "a: 1"})}
	sel, err := tree.Select(t.Context(), "apps", nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	from, _ := sel.Files(func(error) { told++ })
	clear(r.trees)
	for _, name := range []string{"apps", "apps/b", "apps/b/a.yaml"} {
		_, err := fs.ReadDir(from, name)
		if err == nil || errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "invalid") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if told != 3 {
		t.Errorf("told %d times", told)
	}
}
