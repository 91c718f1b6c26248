package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Files is what the selection would be on disk, read from the tree instead: only what is looked at
// costs anything. ok is false where that depends on links. An entry of a folder tells its content
// without being read, by ContentID.
//
// failed is told of each error of the tree's reader.
func (s *Selection) Files(failed func(error)) (f fs.FS, ok bool) {
	if s.intricate || len(s.links) > 0 {
		return nil, false
	}
	return &onTree{s, failed}, true
}

// Plain reports whether what was asked for is a folder that is no chart.
func (s *Selection) Plain() bool {
	return !s.chart && slices.ContainsFunc(s.parts, func(p part) bool {
		return p.entry.Kind == Dir && (p.path == s.Path || p.path == "." || in(s.Path, p.path))
	})
}

type onTree struct {
	*Selection
	failed func(error)
}

// Stat implements fs.StatFS.
func (f *onTree) Stat(name string) (fs.FileInfo, error) {
	e, err := f.find(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return node{e}, nil
}

// ReadDir implements fs.ReadDirFS.
func (f *onTree) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.find(name)
	if err == nil && e.Kind != Dir {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	entries, err := f.list(e.ID)
	if err != nil {
		return nil, fmt.Errorf("reading folder %s: %w", name, err)
	}
	nodes := make([]node, 0, len(entries))
	for _, e := range entries {
		if e.Kind != Submodule { // of which nothing is taken
			nodes = append(nodes, node{e})
		}
	}
	byName := func(a, b node) int { return strings.Compare(a.of.Name, b.of.Name) }
	if !slices.IsSortedFunc(nodes, byName) { // Git sorts folders as if their names ended with a slash
		slices.SortFunc(nodes, byName)
	}
	list := make([]fs.DirEntry, len(nodes))
	for i := range nodes {
		list[i] = &nodes[i]
	}
	return list, nil
}

// Open implements fs.FS. It reads a file at once.
func (f *onTree) Open(name string) (fs.File, error) {
	e, err := f.find(name)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	file := &opened{info: node{e}}
	if e.Kind == Dir {
		return file, nil
	}
	data, err := f.tree.Reader.Read(context.Background(), e.ID)
	if err != nil {
		f.failed(err)
		return nil, fmt.Errorf("reading file %s: %w", name, err)
	}
	file.size, file.Reader = int64(len(data)), bytes.NewReader(data)
	return file, nil
}

// find gives the entry at a path of the selection.
func (f *onTree) find(name string) (Entry, error) {
	if !fs.ValidPath(name) {
		return Entry{}, fs.ErrInvalid
	}
	for _, p := range f.parts {
		below := name
		switch {
		case p.path == name:
			return named(p.entry, path.Base(name)), nil
		case p.path == ".":
		case in(name, p.path):
			below = name[len(p.path)+1:]
		default:
			continue
		}
		return f.below(p.entry, below)
	}
	return Entry{}, fs.ErrNotExist
}

// pathError is the error of a path, and leaves one of the tree's reader what it is.
func pathError(op, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return fmt.Errorf("looking for %s: %w", name, err)
}

func named(e Entry, name string) Entry {
	e.Name = name
	return e
}

func (f *onTree) below(e Entry, name string) (Entry, error) {
	for part := range strings.SplitSeq(name, "/") {
		if e.Kind != Dir {
			return Entry{}, fs.ErrNotExist
		}
		entries, err := f.list(e.ID)
		if err != nil {
			return Entry{}, err
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == part && e.Kind != Submodule })
		if i < 0 {
			return Entry{}, fs.ErrNotExist
		}
		e = entries[i]
	}
	return e, nil
}

func (f *onTree) list(id string) ([]Entry, error) {
	entries, err := f.tree.list(context.Background(), id)
	if err != nil {
		f.failed(err)
	}
	return entries, err
}

// node is an entry as the standard library has them.
type node struct{ of Entry }

// ContentID names a file's content: equal IDs are equal content. It is empty for folders.
func (n node) ContentID() string {
	if n.of.Kind == Dir {
		return ""
	}
	return n.of.ID
}

func (n node) Name() string               { return n.of.Name }
func (n node) IsDir() bool                { return n.of.Kind == Dir }
func (n node) Type() fs.FileMode          { return n.Mode().Type() }
func (n node) Info() (fs.FileInfo, error) { return n, nil }
func (n node) ModTime() time.Time         { return time.Time{} }
func (n node) Sys() any                   { return nil }

// Size is not known before a file is opened.
func (n node) Size() int64 { return 0 }

func (n node) Mode() fs.FileMode {
	switch n.of.Kind {
	case Dir:
		return fs.ModeDir | 0o755
	case Exec:
		return 0o755
	}
	return 0o644
}

// opened is a file that was read, or a folder.
type opened struct {
	io.Reader
	info node
	size int64
}

func (o *opened) Stat() (fs.FileInfo, error) { return sized{o.info, o.size}, nil }
func (o *opened) Close() error               { return nil }

func (o *opened) Read(b []byte) (int, error) {
	if o.Reader == nil {
		return 0, &fs.PathError{Op: "read", Path: o.info.Name(), Err: fs.ErrInvalid}
	}
	return o.Reader.Read(b)
}

type sized struct {
	node
	size int64
}

func (s sized) Size() int64 { return s.size }
