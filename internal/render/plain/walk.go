package plain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Bounds on what is read of one artifact.
const (
	maxFiles     = 20_000
	maxFileSize  = 8 << 20
	maxTotalSize = 64 << 20
	maxDepth     = 64
)

// walker goes through a folder in the order of names. os.Root refuses every path and link that
// leaves the artifact.
type walker struct {
	ctx   context.Context
	root  *os.Root
	base  string // of the names given to visit
	visit func(name string, content []byte) error
	flat  bool // leave out what lies in folders below
	files int
	total int64
}

// walk calls visit for each manifest below the artifact's Path, with its name below Path.
func walk(ctx context.Context, a model.Artifact, topLevel bool, visit func(name string, content []byte) error) error {
	base := path.Clean(filepath.ToSlash(a.Path))
	if !filepath.IsLocal(base) {
		return pathError(a.Path, "the path leaves the source")
	}
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return fmt.Errorf("opening artifact: %w", err)
	}
	defer root.Close()
	w := &walker{ctx: ctx, root: root, base: base, flat: topLevel, visit: visit}
	info, err := root.Stat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &model.Error{Kind: model.ErrNotFound, Reason: "PathNotFound", File: a.Path, Msg: "there is no such folder in the source"}
	case err != nil:
		return pathError(a.Path, "reading folder: "+reason(err))
	case !info.IsDir():
		return w.file(base, path.Base(base))
	}
	return w.dir(base, "", 0)
}

func (w *walker) dir(dir, name string, depth int) error {
	if depth > maxDepth {
		return pathError(name, fmt.Sprintf("folders are nested more than %d deep, or a link goes round", maxDepth))
	}
	entries, err := w.entries(dir)
	if err != nil {
		return pathError(name, "reading folder: "+reason(err))
	}
	isChart := func(e fs.DirEntry) bool { return e.Name() == "Chart.yaml" }
	if slices.ContainsFunc(entries, isChart) {
		// Flux v1 did not apply what lies in a chart's folder (its ChartTracker): templates are no
		// manifests.
		return nil
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := w.entry(path.Join(dir, e.Name()), path.Join(name, e.Name()), e, depth); err != nil {
			return err
		}
	}
	return nil
}

// entries are a folder's, sorted by name.
func (w *walker) entries(dir string) ([]fs.DirEntry, error) {
	f, err := w.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (w *walker) entry(full, name string, e fs.DirEntry, depth int) error {
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := w.root.Stat(full)
		if err != nil {
			return pathError(name, "following link: "+reason(err))
		}
		mode = info.Mode().Type()
	}
	switch {
	case mode.IsDir() && w.flat:
		return nil
	case mode.IsDir():
		return w.dir(full, name, depth+1)
	case !isManifest(name):
		return nil
	case !mode.IsRegular():
		return pathError(name, "not a regular file")
	}
	return w.file(full, name)
}

func isManifest(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func (w *walker) file(full, name string) error {
	if w.files++; w.files > maxFiles {
		return pathError(name, fmt.Sprintf("more than %d files", maxFiles))
	}
	f, err := w.root.Open(full)
	if err != nil {
		return pathError(name, "reading file: "+reason(err))
	}
	defer f.Close()
	content, err := readAll(f)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if len(content) > maxFileSize {
		return pathError(name, fmt.Sprintf("larger than %d MiB", maxFileSize>>20))
	}
	if w.total += int64(len(content)); w.total > maxTotalSize {
		return pathError(name, fmt.Sprintf("all manifests together are larger than %d MiB", maxTotalSize>>20))
	}
	return w.visit(name, content)
}

// readAll reads a file, or a byte more than it may have. It asks for the size first: most files are
// small, and there are many.
func readAll(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), maxFileSize)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(f, maxFileSize+1))
	return b.Bytes(), err
}

// reason leaves the machine's paths out of a file error.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func pathError(name, msg string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: name, Msg: msg}
}
