package tree

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// Write puts the selection into the empty folder dir, every part at the path it has in the tree.
func (s *Selection) Write(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the artifact's folder: %w", err)
	}
	defer root.Close()
	w := &writer{Selection: s, root: root}
	for _, p := range s.parts {
		if parent := path.Dir(p.path); parent != "." {
			if err := root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
				return fmt.Errorf("writing %s: %w", p.path, err)
			}
		}
		if err := w.write(ctx, p.path, p.entry, 0); err != nil {
			return err
		}
	}
	// Links come last, so that nothing is written through one.
	for _, l := range w.links {
		target := l.target
		if real, ok := s.links[l.path]; ok {
			// Other links that the way there went through may not be part of the artifact.
			if target, err = filepath.Rel(path.Dir(l.path), real); err != nil {
				return fmt.Errorf("linking %s: %w", l.path, err)
			}
		}
		if err := root.Symlink(filepath.FromSlash(target), filepath.FromSlash(l.path)); err != nil {
			return fmt.Errorf("linking %s: %w", l.path, err)
		}
	}
	return nil
}

type writer struct {
	*Selection
	root  *os.Root
	links []link
	files int
	bytes int64
}

func (w *writer) write(ctx context.Context, at string, e Entry, depth int) error {
	if w.files++; w.files > w.limit.Files {
		return tooManyFiles()
	}
	name := filepath.FromSlash(at)
	switch e.Kind {
	case Dir:
		if at != "." {
			if err := w.root.MkdirAll(name, 0o755); err != nil {
				return fmt.Errorf("writing %s: %w", at, err)
			}
		}
		if depth > maxDepth {
			return invalid("ArtifactTooLarge", fmt.Sprintf("folders are nested more than %d deep", maxDepth))
		}
		entries, err := w.tree.list(ctx, e.ID)
		if err != nil {
			return err
		}
		for _, sub := range entries {
			if err := w.write(ctx, path.Join(at, sub.Name), sub, depth+1); err != nil {
				return err
			}
		}
	case File, Exec, Link:
		data, err := w.tree.Reader.Read(ctx, e.ID)
		if err != nil {
			return err
		}
		if w.bytes += int64(len(data)); w.bytes > w.limit.Bytes {
			err := invalid("ArtifactTooLarge", fmt.Sprintf("the path holds more than the %d bytes allowed", w.limit.Bytes))
			err.Next = "name a folder further down, or raise the limit on artifacts"
			return err
		}
		if e.Kind == Link {
			w.links = append(w.links, link{path: at, target: string(data)})
			return nil
		}
		mode := os.FileMode(0o644)
		if e.Kind == Exec {
			mode = 0o755
		}
		if err := w.root.WriteFile(name, data, mode); err != nil {
			return fmt.Errorf("writing %s: %w", at, err)
		}
	}
	return nil
}
