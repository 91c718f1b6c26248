package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source/artifact"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// Folder is a folder on this machine.
type Folder struct {
	dir   string
	limit tree.Limits
}

// New makes a folder; whether it exists, Read says.
func New(dir string, limit tree.Limits) *Folder { return &Folder{dir: dir, limit: limit} }

// Close does nothing.
func (f *Folder) Close() {}

// Read looks whether the folder is there. Whether something in it changed only reading it all
// can tell, which is Resolve's.
func (f *Folder) Read(context.Context, []model.Ref) (changed bool, err error) {
	info, err := os.Stat(f.dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	if err != nil {
		return false, &model.Error{Kind: model.ErrNotFound, Reason: "FolderNotFound", Msg: "reading folder " + f.dir, Err: err}
	}
	return true, nil
}

// Resolve reads what ref names and computes its digest.
func (f *Folder) Resolve(ctx context.Context, ref model.Ref) (artifact.Found, error) {
	sel, done, err := f.selection(ctx, ref)
	if err != nil {
		return artifact.Found{}, err
	}
	defer done()
	digest, err := sel.Sum(ctx)
	if err != nil {
		return artifact.Found{}, fmt.Errorf("reading folder %s: %w", f.dir, err)
	}
	return artifact.Found{
		Artifact: model.Artifact{Path: sel.Path, Digest: digest},
		Warnings: sel.Warnings,
		Fill: func(ctx context.Context, dir string) (int64, error) {
			a, bytes, err := f.Copy(ctx, ref, dir)
			if err == nil && a.Digest != digest {
				err = &model.Error{Kind: model.ErrTransient, Reason: "FolderChanged", Msg: "folder " + f.dir + " changed while it was read", Next: "try again"}
			}
			return bytes, err
		},
	}, nil
}

// Copy reads what ref names once, for those who need no digest beforehand: dir, which has to be empty,
// holds it then, and its digest is of what was written there.
func (f *Folder) Copy(ctx context.Context, ref model.Ref, dir string) (model.Artifact, int64, error) {
	sel, done, err := f.selection(ctx, ref)
	if err != nil {
		return model.Artifact{}, 0, err
	}
	defer done()
	bytes, digest, err := sel.WriteSum(ctx, dir)
	if err != nil {
		return model.Artifact{}, 0, fmt.Errorf("copying folder %s: %w", f.dir, err)
	}
	return model.Artifact{Dir: dir, Path: sel.Path, Digest: digest}, bytes, nil
}

// selection is what ref names; it can be read until done is called.
func (f *Folder) selection(ctx context.Context, ref model.Ref) (sel *tree.Selection, done func(), err error) {
	root, err := os.OpenRoot(f.dir)
	if err == nil {
		done = func() { root.Close() }
		if sel, err = f.tree(root).Select(ctx, ref.Path, ref.Files, f.limit); err != nil {
			done()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading folder %s: %w", f.dir, err)
	}
	return sel, done, nil
}

func (f *Folder) tree(root *os.Root) tree.Tree {
	return tree.Tree{Reader: files{root: root, max: f.limit.Bytes}, Root: "."}
}

// files reads a folder as a tree. An ID is a path: it tells where content is, not what it is.
type files struct {
	root *os.Root
	max  int64
}

// List implements tree.Reader.
func (f files) List(_ context.Context, id string) ([]tree.Entry, error) {
	d, err := f.root.Open(filepath.FromSlash(id))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var entries []tree.Entry
	for _, n := range names {
		e := tree.Entry{Name: n.Name(), ID: path.Join(id, n.Name())}
		switch mode := n.Type(); {
		case n.Name() == ".git":
			continue
		case mode.IsDir():
			e.Kind = tree.Dir
		case mode&fs.ModeSymlink != 0:
			e.Kind = tree.Link
		case mode.IsRegular():
			e.Kind = tree.File
			if info, err := n.Info(); err == nil && info.Mode()&0o100 != 0 {
				e.Kind = tree.Exec
			}
		default:
			continue // sockets and devices are no content
		}
		entries = append(entries, e)
	}
	tree.Sort(entries)
	return entries, nil
}

// Read implements tree.Reader.
func (f files) Read(_ context.Context, id string) ([]byte, error) {
	name := filepath.FromSlash(id)
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := f.root.Readlink(name)
		return []byte(filepath.ToSlash(target)), err
	}
	if f.max > 0 && info.Size() > f.max {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "ArtifactTooLarge", File: id, Msg: fmt.Sprintf("it has more than the %d bytes allowed", f.max)}
	}
	return f.root.ReadFile(name)
}
