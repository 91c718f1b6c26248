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
	root  fs.FS
	visit visitor
	flat  bool // leave out what lies in folders below
	files int
	total int64
}

// visitor is told of each manifest, with its name below the folder that is walked.
type visitor interface {
	// known reports whether the file's content, by its ID, need not be read.
	known(name, id string) (length int64, ok bool)
	file(name, id string, content []byte) error
}

// walk visits each manifest below the artifact's Path.
func walk(ctx context.Context, a model.Artifact, topLevel bool, visit visitor) error {
	base := path.Clean(filepath.ToSlash(a.Path))
	if !filepath.IsLocal(base) {
		return pathError(a.Path, "the path leaves the source")
	}
	w := &walker{ctx: ctx, root: a.Files, flat: topLevel, visit: visit}
	if w.root == nil {
		root, err := os.OpenRoot(a.Dir)
		if err != nil {
			return fmt.Errorf("opening artifact: %w", err)
		}
		defer root.Close()
		w.root = root.FS()
	}
	info, err := fs.Stat(w.root, base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &model.Error{Kind: model.ErrNotFound, Reason: "PathNotFound", File: a.Path, Msg: "there is no such folder in the source"}
	case err != nil:
		return unread(a.Path, "reading folder", err)
	case !info.IsDir():
		return w.file(base, path.Base(base), "")
	}
	return w.dir(base, "", 0)
}

func (w *walker) dir(dir, name string, depth int) error {
	if depth > maxDepth {
		return pathError(name, fmt.Sprintf("folders are nested more than %d deep, or a link goes round", maxDepth))
	}
	entries, err := fs.ReadDir(w.root, dir)
	if err != nil {
		return unread(name, "reading folder", err)
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

func (w *walker) entry(full, name string, e fs.DirEntry, depth int) error {
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := fs.Stat(w.root, full)
		if err != nil {
			return unread(name, "following link", err)
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
	id := ""
	if e, ok := e.(interface{ ContentID() string }); ok {
		id = e.ContentID()
	}
	return w.file(full, name, id)
}

func isManifest(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func (w *walker) file(full, name, id string) error {
	if w.files++; w.files > maxFiles {
		return pathError(name, fmt.Sprintf("more than %d files", maxFiles))
	}
	if length, ok := w.visit.known(name, id); ok {
		return w.count(name, length)
	}
	f, err := w.root.Open(full)
	if err != nil {
		return unread(name, "reading file", err)
	}
	defer f.Close()
	content, err := readAll(f)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if len(content) > maxFileSize {
		return pathError(name, fmt.Sprintf("larger than %d MiB", maxFileSize>>20))
	}
	if err := w.count(name, int64(len(content))); err != nil {
		return err
	}
	return w.visit.file(name, id, content)
}

func (w *walker) count(name string, length int64) error {
	if w.total += length; w.total > maxTotalSize {
		return pathError(name, fmt.Sprintf("all manifests together are larger than %d MiB", maxTotalSize>>20))
	}
	return nil
}

// readAll reads a file, or a byte more than it may have. It asks for the size first: most files are
// small, and there are many.
func readAll(f fs.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), maxFileSize)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(f, maxFileSize+1))
	return b.Bytes(), err
}

// unread tells why something was not read. What the file system says is the artifact's fault, and is
// told without the machine's paths; all else may be otherwise the next time.
func unread(name, doing string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return pathError(name, doing+": "+p.Err.Error())
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

func pathError(name, msg string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: name, Msg: msg}
}
