package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Commit is a change to a branch.
type Commit struct {
	Branch  string          // "main"; made when there is none
	Files   map[string]File // by slash-separated path
	Delete  []string        // files or folders
	Message string
	Author  Signature
	Parent  string // the commit the branch must be at; empty accepts any
	Replace bool   // the tree holds Files alone, nothing of the parent
}

// File is a file's new content. The zero Mode is a plain file; a ModeLink's content is its target.
type File struct {
	Mode Mode
	Data []byte
}

// Signature names who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit writes a commit to a branch of this repository, without a working tree, and gives its
// ID. It fails with ErrConflict when the branch is not at Parent.
func (r *Repo) Commit(ctx context.Context, c Commit) (string, error) {
	ref := "refs/heads/" + c.Branch
	if !ValidRef(ref) {
		return "", fmt.Errorf("committing to %q: no valid branch name", c.Branch)
	}
	refs, err := r.Refs(ctx)
	if err != nil {
		return "", err
	}
	head := refs[ref]
	if c.Parent != "" && head != c.Parent {
		return "", &model.Error{Kind: model.ErrConflict, Reason: "RefMoved", Msg: fmt.Sprintf("branch %s has moved on from %.7s", c.Branch, c.Parent)}
	}
	stream, err := c.stream(ref, head)
	if err != nil {
		return "", err
	}
	// fast-import refuses to move a branch to anything but a descendant of where it finds it, so
	// two writers cannot lose each other's commits.
	_, err = r.git.run(ctx, command{dir: r.Dir, args: []string{"fast-import", "--quiet"}, stdin: bytes.NewReader(stream)})
	if err != nil {
		return "", explain(err, "committing to", Address{URL: c.Branch})
	}
	refs[ref] = head
	if err := r.AdoptHead(refs); err != nil {
		return "", err
	}
	return r.Head(ctx, ref)
}

// Head is the commit a ref of this repository is at, or "" when there is no such ref.
func (r *Repo) Head(ctx context.Context, ref string) (string, error) {
	refs, err := r.Refs(ctx)
	return refs[ref], err
}

// AdoptHead makes a branch among refs the default one where the default does not exist, as Git
// hosts do with the first branch that is pushed.
func (r *Repo) AdoptHead(refs map[string]string) error {
	file := filepath.Join(r.Dir, "HEAD")
	head, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading HEAD: %w", err)
	}
	if _, ok := refs[strings.TrimSpace(strings.TrimPrefix(string(head), "ref: "))]; ok {
		return nil
	}
	var branches []string
	for ref := range refs {
		if strings.HasPrefix(ref, "refs/heads/") {
			branches = append(branches, ref)
		}
	}
	if len(branches) == 0 {
		return nil
	}
	return replace(file, []byte("ref: "+slices.Min(branches)+"\n"))
}

// Refs are the refs of this repository and the objects they are at.
func (r *Repo) Refs(ctx context.Context) (map[string]string, error) {
	out, err := r.git.run(ctx, command{dir: r.Dir, args: []string{"for-each-ref", "--format=%(objectname) %(refname)"}})
	if err != nil {
		return nil, fmt.Errorf("reading the refs of %s: %w", filepath.Base(r.Dir), err)
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		refs[name] = id
	}
	return refs, nil
}

// Tag makes a tag of this repository, without an object of its own, or moves it.
func (r *Repo) Tag(ctx context.Context, name, commit string) error {
	return r.setRef(ctx, "refs/tags/"+name, commit)
}

// SetBranch moves a branch of this repository wherever it was, or deletes it when commit is empty.
func (r *Repo) SetBranch(ctx context.Context, name, commit string) error {
	return r.setRef(ctx, "refs/heads/"+name, commit)
}

func (r *Repo) setRef(ctx context.Context, ref, commit string) error {
	if !ValidRef(ref) || (commit != "" && !IsCommitID(commit)) {
		return fmt.Errorf("setting %q to %q: no valid ref and commit", ref, commit)
	}
	args := []string{"update-ref", ref, commit}
	if commit == "" {
		args = []string{"update-ref", "-d", ref}
	}
	if _, err := r.git.run(ctx, command{dir: r.Dir, args: args}); err != nil {
		return fmt.Errorf("setting %s: %w", ref, err)
	}
	return nil
}

// stream is the commit in the language of git-fast-import(1).
func (c Commit) stream(ref, head string) ([]byte, error) {
	var b bytes.Buffer
	when := c.Author.When
	if when.IsZero() {
		when = time.Now()
	}
	name, email := oneLine(c.Author.Name), oneLine(c.Author.Email)
	if name == "" {
		name, email = "Fairlead", "fairlead@localhost"
	}
	fmt.Fprintf(&b, "commit %s\ncommitter %s <%s> %d +0000\ndata %d\n%s\n", ref, name, email, when.Unix(), len(c.Message), c.Message)
	if head != "" {
		fmt.Fprintf(&b, "from %s\n", head)
	}
	if c.Replace {
		b.WriteString("deleteall\n")
	}
	for _, p := range c.Delete {
		q, err := quotePath(p)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "D %s\n", q)
	}
	paths := make([]string, 0, len(c.Files))
	for p := range c.Files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		q, err := quotePath(p)
		if err != nil {
			return nil, err
		}
		f := c.Files[p]
		mode := f.Mode
		if mode == "" {
			mode = ModeFile
		}
		if mode == ModeSubmodule {
			fmt.Fprintf(&b, "M %s %s %s\n", mode, f.Data, q)
			continue
		}
		fmt.Fprintf(&b, "M %s inline %s\ndata %d\n", mode, q, len(f.Data))
		b.Write(f.Data)
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

var nameEscapes = strings.NewReplacer("<", "", ">", "", "\n", " ", "\r", " ", "\x00", "")

func oneLine(s string) string { return strings.TrimSpace(nameEscapes.Replace(s)) }

// quotePath is a path in fast-import's quoting.
func quotePath(p string) (string, error) {
	if p == "" || p == "." || path.Clean(p) != p || strings.HasPrefix(p, "/") || strings.HasPrefix(p, "../") || strings.ContainsRune(p, 0) {
		return "", fmt.Errorf("committing file %q: no clean path below the root", p)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(p) + `"`, nil
}

// Push sends a branch to a remote. It never forces: a remote that has moved on is ErrConflict.
func (r *Repo) Push(ctx context.Context, remote Remote, branch string) error {
	ref := "refs/heads/" + branch
	if !ValidRef(ref) {
		return fmt.Errorf("pushing %q: no valid branch name", branch)
	}
	c := command{dir: r.Dir, args: []string{"push", "--quiet", "--no-verify", "--end-of-options", remote.Address.URL, ref + ":" + ref}}
	if _, err := r.git.talk(ctx, remote, c); err != nil {
		return explain(err, "pushing to", remote.Address)
	}
	return nil
}
