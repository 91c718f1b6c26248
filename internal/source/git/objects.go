package git

import (
	"context"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// objects reads a repository's trees.
type objects struct{ repo *git.Repo }

var kinds = map[git.Mode]tree.Kind{
	git.ModeFile: tree.File, git.ModeExec: tree.Exec, git.ModeLink: tree.Link, git.ModeDir: tree.Dir, git.ModeSubmodule: tree.Submodule,
}

// List implements tree.Reader.
func (o objects) List(ctx context.Context, id string) ([]tree.Entry, error) {
	obj, err := o.repo.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if obj.Type != "tree" {
		return nil, fmt.Errorf("reading tree %s: it is a %s", id, obj.Type)
	}
	lines, err := git.ParseTree(obj.Data, len(id)/2)
	if err != nil {
		return nil, fmt.Errorf("reading tree %s: %w", id, err)
	}
	entries := make([]tree.Entry, len(lines))
	for i, l := range lines {
		entries[i] = tree.Entry{Name: l.Name, Kind: kinds[l.Mode], ID: l.ID}
	}
	return entries, nil
}

// Read implements tree.Reader.
func (o objects) Read(ctx context.Context, id string) ([]byte, error) {
	obj, err := o.repo.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if obj.Type != "blob" {
		return nil, fmt.Errorf("reading file %s: it is a %s", id, obj.Type)
	}
	return obj.Data, nil
}
