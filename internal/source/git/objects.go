package git

import (
	"context"
	"encoding/hex"
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
	return o.ListLike(ctx, id, nil)
}

// ListLike is List of a folder that holds mostly what another does, with which it shares memory.
func (o objects) ListLike(ctx context.Context, id string, like []tree.Entry) ([]tree.Entry, error) {
	obj, err := o.repo.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if obj.Type != "tree" {
		return nil, fmt.Errorf("reading tree %s: it is a %s", id, obj.Type)
	}
	entries := make([]tree.Entry, 0, len(like))
	err = git.EachEntry(obj.Data, len(id)/2, func(mode git.Mode, name, id []byte) {
		e := tree.Entry{Kind: kinds[mode]}
		// A few that were there may be gone.
		for n := range min(len(like), 8) {
			if was := like[n]; was.Name == string(name) {
				e.Name = was.Name
				if isHex(was.ID, id) {
					e.ID = was.ID
				}
				like = like[n+1:]
				break
			}
		}
		if e.Name == "" {
			e.Name = string(name)
		}
		if e.ID == "" {
			e.ID = hex.EncodeToString(id)
		}
		entries = append(entries, e)
	})
	if err != nil {
		return nil, fmt.Errorf("reading tree %s: %w", id, err)
	}
	return entries, nil
}

// isHex reports whether text is what data is as hexadecimal digits.
func isHex(text string, data []byte) bool {
	const digits = "0123456789abcdef"
	if len(text) != 2*len(data) {
		return false
	}
	for i, b := range data {
		if text[2*i] != digits[b>>4] || text[2*i+1] != digits[b&15] {
			return false
		}
	}
	return true
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
