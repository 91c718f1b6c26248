package tree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Write puts the selection into the empty folder dir, every part at the path it has in the tree,
// and gives the bytes it wrote.
//
// It opens files by name: dir is ours alone, names were checked when the tree was read, and links
// are made after all else, so no name can lead out. Of many releases this is the first large cost.
func (s *Selection) Write(ctx context.Context, dir string) (int64, error) {
	return s.write(ctx, dir, func(string, Kind, []byte) {})
}

// WriteSum is Write, and the digest of what was written, as Sum has it.
func (s *Selection) WriteSum(ctx context.Context, dir string) (bytes int64, digest string, err error) {
	sum := s.newSum()
	bytes, err = s.write(ctx, dir, sum.add)
	return bytes, sum.digest(), err
}

func (s *Selection) write(ctx context.Context, dir string, tell func(at string, kind Kind, data []byte)) (int64, error) {
	var links []link
	var bytes int64
	made := map[string]bool{".": true}
	err := s.walk(ctx, func(at string, kind Kind, data []byte) error {
		bytes += int64(len(data))
		tell(at, kind, data)
		switch kind {
		case Link:
			links = append(links, link{path: at, target: string(data)})
			return nil
		case Dir:
			return mkdir(dir, at, made)
		}
		if err := mkdir(dir, path.Dir(at), made); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if kind == Exec {
			mode = 0o755
		}
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(at)), data, mode)
	})
	if err != nil {
		return 0, err
	}
	for _, l := range links {
		err := mkdir(dir, path.Dir(l.path), made)
		if err == nil {
			err = os.Symlink(filepath.FromSlash(l.target), filepath.Join(dir, filepath.FromSlash(l.path)))
		}
		if err != nil {
			return 0, fmt.Errorf("linking %s: %w", l.path, err)
		}
	}
	return bytes, nil
}

// mkdir makes the folder at, and those above it, once.
func mkdir(dir, at string, made map[string]bool) error {
	if made[at] {
		return nil
	}
	if err := mkdir(dir, path.Dir(at), made); err != nil {
		return err
	}
	made[at] = true
	return os.Mkdir(filepath.Join(dir, filepath.FromSlash(at)), 0o755)
}

// Sum is the digest of the selection's content, for trees whose IDs are no digests.
func (s *Selection) Sum(ctx context.Context) (string, error) {
	sum := s.newSum()
	err := s.walk(ctx, func(at string, kind Kind, data []byte) error {
		sum.add(at, kind, data)
		return nil
	})
	return sum.digest(), err
}

// sum is what a digest is made of.
type sum struct{ parts [][]byte }

func (s *Selection) newSum() *sum {
	return &sum{parts: [][]byte{[]byte("content"), []byte(s.Path)}}
}

func (s *sum) add(at string, kind Kind, data []byte) {
	if kind != Dir {
		content := sha256.Sum256(data)
		s.parts = append(s.parts, []byte(at), []byte{byte(kind)}, content[:])
	}
}

func (s *sum) digest() string { return model.Digest(s.parts...) }

// walk visits everything selected, in a stable order. A link's data is where it points to on disk.
func (s *Selection) walk(ctx context.Context, visit func(at string, kind Kind, data []byte) error) error {
	w := &walker{Selection: s, visit: visit}
	for _, p := range s.parts {
		if err := w.walk(ctx, p.path, p.entry, 0); err != nil {
			return err
		}
	}
	return nil
}

type walker struct {
	*Selection
	visit func(at string, kind Kind, data []byte) error
	files int
	bytes int64
}

func (w *walker) walk(ctx context.Context, at string, e Entry, depth int) error {
	if w.files++; w.files > w.limit.Files {
		return tooManyFiles()
	}
	switch e.Kind {
	case Submodule:
		return nil
	case Dir:
		return w.walkDir(ctx, at, e, depth)
	}
	data, err := w.tree.read(ctx, e.ID)
	if err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	if w.bytes += int64(len(data)); w.bytes > w.limit.Bytes {
		err := invalid("ArtifactTooLarge", fmt.Sprintf("the path holds more than the %d bytes allowed", w.limit.Bytes))
		err.Next = "name a folder further down, or raise the limit on artifacts"
		return err
	}
	if real, ok := w.links[at]; ok && e.Kind == Link {
		// Other links that the way there goes through may not be part of the artifact.
		target, err := filepath.Rel(path.Dir(at), real)
		if err != nil {
			return fmt.Errorf("linking %s: %w", at, err)
		}
		data = []byte(filepath.ToSlash(target))
	}
	if err := w.visit(at, e.Kind, data); err != nil {
		return fmt.Errorf("writing %s: %w", at, err)
	}
	return nil
}

func (w *walker) walkDir(ctx context.Context, at string, e Entry, depth int) error {
	if depth > maxDepth {
		return invalid("ArtifactTooLarge", fmt.Sprintf("folders are nested more than %d deep", maxDepth))
	}
	if err := w.visit(at, Dir, nil); err != nil {
		return fmt.Errorf("writing %s: %w", at, err)
	}
	entries, err := w.tree.list(ctx, e.ID)
	if err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	for _, sub := range entries {
		if err := w.walk(ctx, path.Join(at, sub.Name), sub, depth+1); err != nil {
			return err
		}
	}
	return nil
}
