package git

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// choice is the ref that a reference means.
type choice struct {
	name   string // what to fetch: a full ref name, "HEAD", or a commit ID
	label  string // for people: "main", "v1.2.0"
	commit string // where the remote has it
}

// choose finds the ref that want means among the remote's.
func choose(want model.GitRef, refs git.Refs) (choice, error) {
	switch {
	case want.Commit != "":
		id := strings.ToLower(want.Commit)
		if !git.IsCommitID(id) {
			return choice{}, &model.Error{
				Kind: model.ErrInvalid, Reason: "InvalidRef", Msg: fmt.Sprintf("%q is no full commit ID", want.Commit),
				Next: "write all 40 digits, or name a branch or tag",
			}
		}
		return choice{name: id, label: id, commit: id}, nil
	case want.Branch != "":
		return exact(refs, "branch", want.Branch, "refs/heads/")
	case want.Tag != "":
		return exact(refs, "tag", want.Tag, "refs/tags/")
	case want.SemVer != "":
		return newest(refs, want.SemVer)
	case want.Name != "" && want.Name != "HEAD":
		return named(refs, want.Name)
	}
	return defaultBranch(refs)
}

func defaultBranch(refs git.Refs) (choice, error) {
	if id, ok := refs.Commits[refs.Head]; ok {
		return choice{name: refs.Head, label: short(refs.Head), commit: id}, nil
	}
	if id, ok := refs.Commits["HEAD"]; ok {
		return choice{name: "HEAD", label: "HEAD", commit: id}, nil
	}
	if len(refs.Commits) == 0 {
		return choice{}, &model.Error{Kind: model.ErrNotFound, Reason: "RepositoryEmpty", Msg: "the repository has no commits", Next: "push a commit"}
	}
	return choice{}, &model.Error{
		Kind: model.ErrNotFound, Reason: "RefNotFound", Msg: "the repository's default branch does not exist",
		Next: "name a branch: " + offer(refs, ""),
	}
}

func exact(refs git.Refs, what, name, prefix string) (choice, error) {
	full := prefix + strings.TrimPrefix(name, prefix)
	if !git.ValidRef(full) {
		return choice{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidRef", Msg: fmt.Sprintf("%q is no valid name of a %s", name, what)}
	}
	if id, ok := refs.Commits[full]; ok {
		return choice{name: full, label: short(full), commit: id}, nil
	}
	return choice{}, unknown(refs, what, name)
}

// named lets the repository say what name is: a full commit ID, a branch, a tag, a full ref name,
// or a semver range, in this order.
func named(refs git.Refs, name string) (choice, error) {
	if git.IsCommitID(strings.ToLower(name)) {
		id := strings.ToLower(name)
		return choice{name: id, label: id, commit: id}, nil
	}
	for _, prefix := range []string{"refs/heads/", "refs/tags/", ""} {
		full := prefix + name
		if id, ok := refs.Commits[full]; ok && git.ValidRef(full) {
			return choice{name: full, label: short(full), commit: id}, nil
		}
	}
	if isRange(name) {
		return newest(refs, name)
	}
	return choice{}, unknown(refs, "ref", name)
}

// isRange reports whether a name can only be meant as a range of versions: "v1.x", ">=1.0".
func isRange(name string) bool {
	if _, err := semver.NewConstraint(name); err != nil {
		return false
	}
	return strings.ContainsAny(name, "<>=~^*") || strings.HasSuffix(name, ".x") || strings.HasSuffix(name, ".X")
}

// newest is the tag with the highest version within a range.
func newest(refs git.Refs, rng string) (choice, error) {
	c, err := semver.NewConstraint(rng)
	if err != nil {
		return choice{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidRef", Msg: fmt.Sprintf("%q is no range of versions", rng), Err: err}
	}
	var best *semver.Version
	var out choice
	tags := 0
	for full, id := range refs.Commits {
		name, ok := strings.CutPrefix(full, "refs/tags/")
		if !ok {
			continue
		}
		v, err := semver.NewVersion(name)
		if err != nil {
			continue
		}
		tags++
		if !c.Check(v) {
			continue
		}
		// Versions that differ in build metadata alone are ordered by name, to be stable.
		if best == nil || v.GreaterThan(best) || (v.Equal(best) && full > out.name) {
			best, out = v, choice{name: full, label: name, commit: id}
		}
	}
	if best == nil {
		return choice{}, &model.Error{
			Kind: model.ErrNotFound, Reason: "RefNotFound",
			Msg:  fmt.Sprintf("none of the repository's %d version tags is in the range %q", tags, rng),
			Next: "push a tag in the range, or change the range",
		}
	}
	return out, nil
}

func unknown(refs git.Refs, what, name string) error {
	e := &model.Error{Kind: model.ErrNotFound, Reason: "RefNotFound", Msg: fmt.Sprintf("the repository has no %s %q", what, name)}
	if o := offer(refs, name); o != "" {
		e.Next = "it has " + o
	}
	return e
}

// offer names the refs most like name.
func offer(refs git.Refs, name string) string {
	type scored struct {
		name     string
		distance int
	}
	var all []scored
	for full := range refs.Commits {
		if s := short(full); s != full {
			all = append(all, scored{s, distance(strings.ToLower(name), strings.ToLower(s))})
		}
	}
	slices.SortFunc(all, func(a, b scored) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, s := range all[:min(len(all), 5)] {
		names = append(names, s.name)
	}
	out := strings.Join(names, ", ")
	if more := len(all) - len(names); more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// distance is Levenshtein's, of names cut to a bounded length.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// short is a ref's name for people; HEAD and refs that are neither branch nor tag stay.
func short(full string) string {
	return strings.TrimPrefix(strings.TrimPrefix(full, "refs/heads/"), "refs/tags/")
}
