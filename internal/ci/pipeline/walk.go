package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits of what is looked at.
const (
	maxEntries = 50_000
	maxDepth   = 8
	maxFile    = 1 << 20
)

// tree is a repository's files, without what is not its own: dependencies, build results, hidden
// folders. All paths are below its root.
type tree struct {
	fsys  fs.FS
	files []string // sorted
	has   map[string]bool
}

// foreign are folders that hold what others wrote.
var foreign = []string{"node_modules", "vendor", "__pycache__", "venv", "dist", "build", "target", "testdata"}

func readTree(fsys fs.FS) (*tree, error) {
	t := &tree{fsys: fsys, has: map[string]bool{}}
	seen := 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxEntries {
			return fmt.Errorf("there are more than %d files", maxEntries)
		}
		if d.IsDir() {
			skip := p != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreign, d.Name()) || strings.Count(p, "/") >= maxDepth)
			if skip {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() { // a link may lead anywhere
			t.files = append(t.files, p)
			t.has[p] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking through the repository: %w", err)
	}
	return t, nil
}

// named are the files with one of these names, in order.
func (t *tree) named(names ...string) []string {
	var out []string
	for _, f := range t.files {
		if slices.Contains(names, path.Base(f)) {
			out = append(out, f)
		}
	}
	return out
}

// read is the content of a file; a large one is not what it seems.
func (t *tree) read(file string) (string, error) {
	f, err := t.fsys.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("it is larger than 1 MiB")
	}
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return string(data), nil
}

// below reports whether file is in folder, at any depth.
func below(file, folder string) bool {
	return folder == "." || strings.HasPrefix(file, folder+"/")
}
