package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// traits are what a chart's output can depend on beside its content and values. They are found by
// looking for words, so they may say yes too often; a chart that hides the words from the reader
// (by putting them together at run time) is rendered again less often than it should be.
type traits struct {
	Capabilities bool // asks for the cluster's version or kinds
	History      bool // asks for the revision, or whether this is an install or an upgrade
}

var everything = traits{Capabilities: true, History: true}

var (
	capabilityWord = pattern.New(`\.Capabilities\b|"Capabilities"|\bkubeVersion:`)
	releaseWord    = pattern.New(`^(\.Release\b|"Release")`)
	// harmlessWord is a use of Release that matters to nobody: the fields that never change during a release's life.
	harmlessWord = pattern.New(`^\.Release\.(Name|Namespace|Service)\b`)
)

func (t *traits) look(text []byte) {
	if !t.Capabilities && contains(text, "Capabilities", "kubeVersion") && capabilityWord.Match(text) {
		t.Capabilities = true
	}
	if !t.History && asksRelease(text) {
		t.History = true
	}
}

// contains comes before a pattern because it reads a hundred times faster, and most files have no such word.
func contains(text []byte, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) })
}

// asksRelease reports whether there is a use of Release that is not harmless.
func asksRelease(text []byte) bool {
	const word = "Release"
	for at := 0; ; at += len(word) {
		next := bytes.Index(text[at:], []byte(word))
		if next < 0 {
			return false
		}
		if at += next; at == 0 {
			continue
		}
		if use := text[at-1:]; releaseWord.Match(use) && !harmlessWord.Match(use) {
			return true
		}
	}
}

func (t traits) or(o traits) traits {
	return traits{Capabilities: t.Capabilities || o.Capabilities, History: t.History || o.History}
}

// maxScan is how much of a chart is looked through; a larger one is taken to ask for everything.
const (
	maxScan      = 16 << 20
	maxScanFiles = 5_000
)

var errScanEnd = errors.New("enough seen")

// scan looks through all files below name of an artifact, or the one file that name is: also those
// outside of templates/ can reach the engine. Archives are not opened: a chart that has some is
// taken to ask for everything.
func scan(dir, name string) (traits, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return traits{}, fmt.Errorf("opening artifact: %w", err)
	}
	defer root.Close()
	s := scanner{root: root, left: maxScan}
	err = fs.WalkDir(root.FS(), path.Clean(name), s.visit)
	if err != nil && !errors.Is(err, errScanEnd) {
		return traits{}, fmt.Errorf("looking through the chart: %w", err)
	}
	return s.found, nil
}

type scanner struct {
	root  *os.Root
	left  int64
	files int
	found traits
}

func (s *scanner) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if d.IsDir() || path.Ext(name) == ".md" {
		return nil
	}
	if s.files++; !d.Type().IsRegular() || path.Ext(name) == ".tgz" || s.files > maxScanFiles || s.found == everything {
		s.found = everything
		return errScanEnd
	}
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, s.left+1))
	if err != nil {
		return err
	}
	if s.left -= int64(len(text)); s.left < 0 {
		s.found = everything
		return errScanEnd
	}
	s.found.look(text)
	return nil
}

// scans remembers traits by artifact.
type scans struct {
	mu   sync.Mutex
	seen map[string]traits
}

const maxScans = 4_096

// of finds the traits of a release's chart and of the values given to it, which can be templates.
func (s *scans) of(rel model.Release, a model.Artifact) (traits, error) {
	t, err := s.path(a.Dir, cmp.Or(a.Chart, a.Digest), a.Path)
	if err != nil {
		return traits{}, err
	}
	for _, l := range rel.Values {
		t.look(l.YAML)
		if l.Set != nil {
			t.look([]byte(l.Set.Value))
			for _, text := range l.Set.Files {
				t.look([]byte(text))
			}
		}
		file := path.Join(a.Path, l.File)
		if l.File == "" || !strings.HasPrefix(path.Clean(l.File), "..") || !filepath.IsLocal(file) {
			continue // none, among the chart's files, or refused later
		}
		ft, err := s.path(cmp.Or(a.Beside, a.Dir), a.Digest, file)
		if a.Beside != "" && errors.Is(err, fs.ErrNotExist) {
			ft, err = s.path(a.Dir, a.Digest, file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return traits{}, err
		}
		t = t.or(ft)
	}
	return t, nil
}

func (s *scans) path(dir, digest, name string) (traits, error) {
	key := digest + "\x00" + name
	s.mu.Lock()
	t, ok := s.seen[key]
	s.mu.Unlock()
	if ok {
		return t, nil
	}
	t, err := scan(dir, name)
	if err != nil || digest == "" {
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= maxScans {
		s.seen = map[string]traits{} // cheap to fill again
	}
	s.seen[key] = t
	return t, nil
}
