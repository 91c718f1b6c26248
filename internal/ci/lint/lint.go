package lint

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Finding is one place where a rule applies. It never holds a secret's value.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file"` // below the repository's root
	Line     int      `json:"line"`
	Column   int      `json:"column,omitempty"`
	Jobs     []string `json:"jobs,omitempty"`
	Message  string   `json:"message"`
	Provider Provider `json:"provider"`
}

// Result is what was found.
type Result struct {
	Files    []string // that were read, includes among them
	Findings []Finding
	Ignored  int // findings that a comment with a reason accepts
}

// ruleIgnore tells of comments that do not say what or why they ignore.
const ruleIgnore = "ignore-without-reason"

// Run reads the named pipelines of the repository at root; without names, those that are where
// providers look for them.
func Run(root fs.FS, names ...string) (Result, error) {
	if len(names) == 0 {
		var err error
		if names, err = discover(root); err != nil {
			return Result{}, err
		}
	}
	f := newFiles(root)
	repo := &repository{root: root}
	for _, name := range names {
		p, err := read(f, name)
		if err != nil {
			return Result{}, err
		}
		for _, j := range p.jobs {
			for _, c := range j.script {
				for _, w := range c.words {
					c.expanded = append(c.expanded, p.expand(j, w))
				}
			}
		}
		repo.pipelines = append(repo.pipelines, p)
	}
	var res Result
	for name := range f.text {
		res.Files = append(res.Files, name)
	}
	slices.Sort(res.Files)
	accepted := newIgnores(f)
	res.Findings, res.Ignored = repo.findings(accepted)
	return res, nil
}

// discover finds the pipelines of a repository.
func discover(root fs.FS) ([]string, error) {
	var names []string
	if st, err := fs.Stat(root, ".gitlab-ci.yml"); err == nil && st.Mode().IsRegular() {
		names = append(names, ".gitlab-ci.yml")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, pattern := range []string{".github/workflows/*.yml", ".github/workflows/*.yaml"} {
		found, err := fs.Glob(root, pattern)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		return nil, &model.Error{Kind: model.ErrNotFound, Reason: "NoPipeline",
			Msg:  "finding pipelines: there is no .gitlab-ci.yml and nothing in .github/workflows",
			Next: "fairlead ci init gitlab|github writes one; fairlead ci lint FILE reads another"}
	}
	return names, nil
}

// read tells by name, else by content, which provider's a file is.
func read(f *files, name string) (*pipeline, error) {
	if strings.Contains(name, ".github/") {
		return readGitHub(f, name)
	}
	if !strings.Contains(path.Base(name), "gitlab") {
		tree, err := f.read(name)
		if err != nil {
			return nil, err
		}
		if get(tree, "jobs") != nil && (get(tree, "on") != nil || get(tree, "true") != nil) {
			return readGitHub(f, name)
		}
	}
	return readGitLab(f, name)
}

// findings asks every rule about every pipeline. One place is told once, however many jobs lead there.
func (r *repository) findings(accepted *ignores) (found []Finding, ignored int) {
	type key struct {
		rule string
		at   place
		msg  string
	}
	seen := map[key]int{}
	for _, p := range r.pipelines {
		for _, rule := range Rules() {
			if rule.Fix[p.provider] == "" {
				continue
			}
			for _, h := range rule.check(p, r) {
				if accepted.covers(rule.ID, h) {
					ignored++
					continue
				}
				k := key{rule: rule.ID, at: h.at}
				if h.job == nil || h.at.line == h.job.at.line {
					k.msg = h.msg
				}
				if i, ok := seen[k]; ok {
					if h.job != nil && !slices.Contains(found[i].Jobs, h.job.name) {
						found[i].Jobs = append(found[i].Jobs, h.job.name)
					}
					continue
				}
				seen[k] = len(found)
				fd := Finding{Rule: rule.ID, Severity: rule.Severity, File: h.at.file, Line: h.at.line, Column: h.at.col, Message: h.msg, Provider: p.provider}
				if h.job != nil {
					fd.Jobs = []string{h.job.name}
				}
				found = append(found, fd)
			}
		}
	}
	found = append(found, accepted.bad...)
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), -cmp.Compare(a.Severity.rank(), b.Severity.rank()), strings.Compare(a.Rule, b.Rule))
	})
	return found, ignored
}
