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
)

// Kind is what an entry of a folder is.
type Kind byte

// The kinds of entries.
const (
	File      Kind = 'f'
	Exec      Kind = 'x'
	Link      Kind = 'l'
	Dir       Kind = 'd'
	Submodule Kind = 's'
)

// Entry is one line of a folder.
type Entry struct {
	Name string
	Kind Kind
	ID   string // of the content; equal IDs are equal content
}

// Reader reads a tree's content by ID.
type Reader interface {
	// List gives the entries of a folder.
	List(ctx context.Context, id string) ([]Entry, error)
	// Read gives the content of a file, or the target of a link.
	Read(ctx context.Context, id string) ([]byte, error)
}

// Sort orders entries by name.
func Sort(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}

// Tree is one version of a file tree.
type Tree struct {
	Reader Reader
	Root   string // ID of the root folder
	Cache  *Cache // may be shared by trees whose Reader is the same; nil for none
}

// Clean is a path as written in a request, below the root: "./charts/x/" becomes "charts/x" and ""
// becomes ".". A path that leaves the root is refused.
func Clean(p string) (string, error) {
	c := path.Clean(strings.TrimLeft(p, "/"))
	if strings.TrimLeft(p, "/") == "" {
		c = "."
	}
	if !filepath.IsLocal(c) || strings.Contains(c, "\x00") {
		return "", &model.Error{
			Kind: model.ErrInvalid, Reason: "PathOutsideRepository", Msg: fmt.Sprintf("path %q leaves the repository", p),
			Next: "write the path from the repository's root",
		}
	}
	return c, nil
}

// maxLinks bounds the links followed for one path, as Linux does.
const maxLinks = 40

// errOutside is a link or a path that leaves the tree.
var errOutside = errors.New("it leads out of the repository")

// missing is a path that is not in the tree.
type missing struct {
	path string  // the first part that is not there
	dir  string  // the folder it was looked for in
	have []Entry // what that folder holds
}

func (m *missing) Error() string { return m.path + " does not exist" }

// lookup finds the entry at p, following links in the way and at the end. real is where it lies.
func (t Tree) lookup(ctx context.Context, p string) (real string, e Entry, err error) {
	at, here := ".", Entry{Name: ".", Kind: Dir, ID: t.Root}
	rest := strings.Split(p, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", Entry{}, errOutside
			}
			// at is a real path, without links: its parent is its textual parent.
			parent, e, err := t.lookup(ctx, path.Dir(at))
			if err != nil {
				return "", Entry{}, err
			}
			at, here = parent, e
			continue
		}
		if here.Kind == Submodule {
			return at, here, nil
		}
		if here.Kind != Dir {
			return "", Entry{}, &missing{path: path.Join(at, name), dir: path.Dir(at)}
		}
		entries, err := t.list(ctx, here.ID)
		if err != nil {
			return "", Entry{}, err
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
		if i < 0 {
			return "", Entry{}, &missing{path: path.Join(at, name), dir: at, have: entries}
		}
		next := entries[i]
		if next.Kind != Link {
			at, here = path.Join(at, name), next
			continue
		}
		if links++; links > maxLinks {
			return "", Entry{}, fmt.Errorf("%s: too many symbolic links", path.Join(at, name))
		}
		target, err := t.Reader.Read(ctx, next.ID)
		if err != nil {
			return "", Entry{}, err
		}
		if len(target) == 0 || len(target) > 4096 || target[0] == '/' {
			return "", Entry{}, errOutside
		}
		rest = append(strings.Split(string(target), "/"), rest...)
	}
	return at, here, nil
}

func (t Tree) list(ctx context.Context, id string) ([]Entry, error) {
	if entries, ok := t.Cache.list(id); ok {
		return entries, nil
	}
	entries, err := t.Reader.List(ctx, id)
	if err != nil {
		return nil, err
	}
	t.Cache.keepList(id, entries)
	return entries, nil
}

// listLike is list of a folder that is mostly what another is.
func (t Tree) listLike(ctx context.Context, id string, like []Entry) ([]Entry, error) {
	r, ok := t.Reader.(interface {
		ListLike(ctx context.Context, id string, like []Entry) ([]Entry, error)
	})
	if _, cached := t.Cache.list(id); cached || !ok {
		return t.list(ctx, id)
	}
	entries, err := r.ListLike(ctx, id, like)
	if err == nil {
		t.Cache.keepList(id, entries)
	}
	return entries, err
}

// read gives a small file from the cache: the templates of one chart are written for each release
// of it that has values files of its own.
func (t Tree) read(ctx context.Context, id string) ([]byte, error) {
	if data, ok := t.Cache.file(id); ok {
		return data, nil
	}
	data, err := t.Reader.Read(ctx, id)
	if err == nil {
		t.Cache.keepFile(id, data)
	}
	return data, err
}
