package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"
	"github.com/zricethezav/gitleaks/v8/sources"
)

// Finding is one secret. It says where it is and what it looks like, never what it is.
type Finding struct {
	Rule        string `json:"rule"`
	Description string `json:"description"`
	File        string `json:"file"` // below the root
	Line        int    `json:"line"`
	Column      int    `json:"column,omitempty"`
	EndLine     int    `json:"endLine,omitempty"`
	Commit      string `json:"commit,omitempty"`
	Date        string `json:"date,omitempty"` // of the commit
	Fingerprint string `json:"fingerprint"`    // as .gitleaksignore holds it
}

// Skipped is a file that was not looked at, or not to its end.
type Skipped struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// Result is what was found.
type Result struct {
	Findings []Finding
	Skipped  []Skipped
	Files    int // looked at
	Commits  int
	Bytes    int64
	Accepted int // findings that .gitleaksignore or the baseline accepts
}

// Options say what is accepted and how much is read.
type Options struct {
	Config   string          // file with rules, below the root; "" is ConfigFile where there is one
	Baseline map[string]bool // fingerprints of what was there before
	MaxBytes int64           // of one file or hunk; default 5 MiB
	Workers  int             // default 2
}

// Scanner looks for secrets below a root.
type Scanner struct {
	root     fs.FS
	detector *detect.Detector
	opts     Options
	accepted map[string]bool
	config   string

	mu  sync.Mutex
	res Result
}

// decodes is how often text that is encoded is decoded, as gitleaks does by default: Secrets of
// Kubernetes are Base64.
const decodes = 5

// New compiles the rules.
func New(root fs.FS, o Options) (*Scanner, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 5 << 20
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
	file := o.Config
	if file == "" {
		if _, err := fs.Stat(root, ConfigFile); err == nil {
			file = ConfigFile
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("looking for %s: %w", ConfigFile, err)
		}
	}
	// The library logs, with the secret in it, to a logger of its own.
	logging.Logger = zerolog.Nop()
	cfg, err := loadRules(root, file)
	if err != nil {
		return nil, err
	}
	accepted, err := loadIgnored(root)
	if err != nil {
		return nil, err
	}
	return &Scanner{root: root, detector: newDetector(cfg), opts: o, accepted: accepted, config: file}, nil
}

func newDetector(cfg config.Config) *detect.Detector {
	d := detect.NewDetector(cfg)
	d.Redact = 100 // secrets are gone before a finding leaves the library
	d.MaxDecodeDepth = decodes
	return d
}

// Files looks at files below the root. Links, folders and binary files are passed over.
func (s *Scanner) Files(ctx context.Context, names []string) error {
	work := make(chan string)
	failed := make(chan error, s.opts.Workers)
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range s.opts.Workers {
		group.Go(func() {
			for name := range work {
				if err := s.file(ctx, name); err != nil {
					failed <- err
					cancel()
					return
				}
			}
		})
	}
feed:
	for _, name := range names {
		select {
		case work <- name:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

func (s *Scanner) file(ctx context.Context, name string) error {
	st, err := fs.Lstat(s.root, strings.TrimSuffix(name, "/"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // tracked and deleted: it is in the history, if anywhere
	case err != nil:
		return fmt.Errorf("looking at %s: %w", name, err)
	case st.IsDir():
		s.skip(name, "another repository")
		return nil
	case !st.Mode().IsRegular():
		return nil // a link's target is looked at where it is
	case st.Size() > s.opts.MaxBytes:
		s.skip(name, fmt.Sprintf("larger than %d bytes", s.opts.MaxBytes))
		return nil
	}
	data, err := readBounded(s.root, name, s.opts.MaxBytes)
	if err != nil {
		return err
	}
	if isBinary(data) {
		return nil
	}
	s.look(ctx, added{file: name, line: 1, text: string(data)})
	s.mu.Lock()
	s.res.Files++
	s.mu.Unlock()
	return ctx.Err()
}

// isBinary is git's own test: a NUL byte near the start.
func isBinary(data []byte) bool {
	return slices.Contains(data[:min(len(data), 8000)], 0)
}

func (s *Scanner) skip(name, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.res.Skipped = append(s.res.Skipped, Skipped{File: name, Reason: reason})
}

// Patch looks at what a patch adds, as internal/git streams it.
func (s *Scanner) Patch(ctx context.Context, r io.Reader) error {
	commit, file := "", ""
	return readPatch(r, int(s.opts.MaxBytes), func(a added) error {
		if a.commit != commit {
			commit = a.commit
			s.res.Commits++
		}
		if key := a.commit + ":" + a.file; key != file {
			file = key
			s.res.Files++
		}
		if a.cut {
			s.skip(a.file, fmt.Sprintf("what follows %d bytes of one change", s.opts.MaxBytes))
		}
		s.look(ctx, a)
		return ctx.Err()
	})
}

// look asks the rules about a text and keeps what they say of it, without the secret.
func (s *Scanner) look(ctx context.Context, a added) {
	if a.file == s.config || a.file == IgnoreFile {
		return
	}
	//lint:ignore SA1019 version 8 has no other way
	found := s.detector.DetectContext(ctx, detect.Fragment(sources.Fragment{
		Raw: a.text, FilePath: a.file, CommitSHA: a.commit, StartLine: a.line,
		CommitInfo: &sources.CommitInfo{SHA: a.commit, Remote: &sources.RemoteInfo{}},
	}))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.res.Bytes += int64(len(a.text))
	for i := range found {
		f := &found[i]
		global := fmt.Sprintf("%s:%s:%d", f.File, f.RuleID, f.StartLine)
		print := global
		if a.commit != "" {
			print = a.commit + ":" + global
		}
		if s.accepted[global] || s.accepted[print] || s.opts.Baseline[print] || s.opts.Baseline[global] {
			s.res.Accepted++
			continue
		}
		s.res.Findings = append(s.res.Findings, Finding{
			Rule: f.RuleID, Description: f.Description, File: f.File, Line: f.StartLine, EndLine: f.EndLine, Column: f.StartColumn,
			Commit: a.commit, Date: a.date, Fingerprint: print,
		})
	}
}

// Result is what was found so far, in the order of files and lines.
func (s *Scanner) Result() Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.res
	slices.SortFunc(out.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Date, b.Date), strings.Compare(a.Commit, b.Commit))
	})
	slices.SortFunc(out.Skipped, func(a, b Skipped) int { return strings.Compare(a.File, b.File) })
	out.Findings = slices.Compact(out.Findings)
	return out
}
