package tree

import (
	"context"
	"fmt"
	"path"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// scan is what has to be known of a folder's content before it is taken. Paths are below the folder.
type scan struct {
	files      int
	links      []link
	submodules []string
}

type link struct {
	path   string
	target string
}

const maxDepth = 100

// scan walks a folder. Its parts are cached by ID, so that a commit costs the folders it changed.
func (t Tree) scan(ctx context.Context, id string, maxFiles, depth int) (*scan, error) {
	if s, ok := t.Cache.scan(id); ok && s.files <= maxFiles {
		return s, nil
	}
	if depth > maxDepth {
		return nil, invalid("ArtifactTooLarge", fmt.Sprintf("folders are nested more than %d deep", maxDepth))
	}
	entries, err := t.list(ctx, id)
	if err != nil {
		return nil, err
	}
	s := &scan{}
	for _, e := range entries {
		s.files++
		switch e.Kind {
		case Link:
			target, err := t.Reader.Read(ctx, e.ID)
			if err != nil {
				return nil, err
			}
			s.links = append(s.links, link{path: e.Name, target: string(target)})
		case Submodule:
			s.submodules = append(s.submodules, e.Name)
		case Dir:
			sub, err := t.scan(ctx, e.ID, maxFiles-s.files, depth+1)
			if err != nil {
				return nil, err
			}
			s.files += sub.files
			for _, l := range sub.links {
				s.links = append(s.links, link{path: path.Join(e.Name, l.path), target: l.target})
			}
			for _, m := range sub.submodules {
				s.submodules = append(s.submodules, path.Join(e.Name, m))
			}
		}
		if s.files > maxFiles {
			return nil, tooManyFiles()
		}
	}
	t.Cache.keepScan(id, s)
	return s, nil
}

func tooManyFiles() error {
	err := invalid("ArtifactTooLarge", "the path holds more files than allowed")
	err.Next = "name a folder further down, or raise the limit on artifacts"
	return err
}

func invalid(reason, msg string) *model.Error {
	return &model.Error{Kind: model.ErrInvalid, Reason: reason, Msg: msg}
}
