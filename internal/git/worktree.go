package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// WorkTree is a checked-out repository that someone works in. It is only read. Its configuration is
// its owner's: what of it could run a program is turned off for every command.
type WorkTree struct {
	Dir string // its root
	git *Git
}

// ErrNoRepository is in the error of a folder that is in no repository.
var ErrNoRepository = errors.New("no git repository")

// OpenWorkTree finds the work tree that dir is in.
func (g *Git) OpenWorkTree(ctx context.Context, dir string) (*WorkTree, error) {
	out, err := g.run(ctx, command{dir: dir, args: []string{"rev-parse", "--show-toplevel"}, env: quiet})
	var f *failure
	switch {
	case errors.As(err, &f) && (strings.Contains(f.stderr, "not a git repository") || strings.Contains(f.stderr, "must be run in a work tree")):
		return nil, fmt.Errorf("finding the repository of %s: %w", filepath.Base(dir), ErrNoRepository)
	case err != nil:
		return nil, fmt.Errorf("finding the repository of %s: %w", filepath.Base(dir), err)
	}
	return &WorkTree{Dir: strings.TrimSuffix(string(out), "\n"), git: g}, nil
}

// quiet keeps a partial clone from fetching what it lacks.
var quiet = []string{"GIT_NO_LAZY_FETCH=1"}

// Files are the files below path (slash-separated, below the root; "." is all) that are tracked or
// could be: new ones that no rule ignores are among them.
func (w *WorkTree) Files(ctx context.Context, path string) ([]string, error) {
	out, err := w.git.run(ctx, command{dir: w.Dir, env: quiet, args: []string{
		"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", pathspec(path),
	}})
	if err != nil {
		return nil, fmt.Errorf("listing the files of the repository: %w", err)
	}
	var names []string
	for _, name := range bytes.Split(out, []byte{0}) {
		if len(name) > 0 {
			names = append(names, string(name))
		}
	}
	return names, nil
}

// patch are the options that make git write one form of patch whatever is configured, and run
// nothing for it: no external diff, no text conversion, no check of signatures.
var patch = []string{
	"--patch", "--unified=0", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/",
	"--diff-filter=tuxdb", "--find-renames", "--ignore-submodules=all", "--submodule=short", "--no-indent-heuristic", "--diff-algorithm=myers",
}

// StagedPatch streams what the index adds to the last commit, to read.
func (w *WorkTree) StagedPatch(ctx context.Context, path string, read func(io.Reader) error) error {
	args := append([]string{"diff", "--cached"}, patch...)
	args = append(args, "--", pathspec(path))
	return w.stream(ctx, "reading what is staged", args, read)
}

// pathspec names a path below the root, whatever characters it has.
func pathspec(path string) string {
	if path == "." {
		return ":(top)"
	}
	return ":(top,literal)" + path
}

// HistoryPatch streams what each commit added, to read: commits that are reachable from HEAD and not
// from since, or, where since is empty, from any ref. Before each commit stands a line
// "commit ID DATE".
func (w *WorkTree) HistoryPatch(ctx context.Context, since, path string, read func(io.Reader) error) error {
	args := append([]string{"log", "--format=commit %H %as", "--full-history", "--no-show-signature", "--no-notes"}, patch...)
	if since == "" {
		args = append(args, "--all")
	} else {
		id, err := w.Commit(ctx, since)
		if err != nil {
			return err
		}
		args = append(args, id+"..HEAD")
	}
	if err := w.complete(ctx, since); err != nil {
		return err
	}
	if path != "." {
		args = append(args, "--", pathspec(path))
	}
	return w.stream(ctx, "reading the history", args, read)
}

// Commit is the ID of the commit that rev names.
func (w *WorkTree) Commit(ctx context.Context, rev string) (string, error) {
	out, err := w.git.run(ctx, command{dir: w.Dir, env: quiet, args: []string{"rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{commit}"}})
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", &model.Error{Kind: model.ErrInvalid, Reason: "NoSuchRevision",
			Msg:  fmt.Sprintf("there is no commit %q in this clone", rev),
			Next: "fetch more of the history: GIT_DEPTH: \"0\" in GitLab, fetch-depth: 0 of actions/checkout"}
	}
	return strings.TrimSpace(string(out)), nil
}

// complete refuses a clone that lacks history that was asked for.
func (w *WorkTree) complete(ctx context.Context, since string) error {
	if since != "" {
		return nil // the commit is here, or Commit said so
	}
	out, err := w.git.run(ctx, command{dir: w.Dir, env: quiet, args: []string{"rev-parse", "--is-shallow-repository"}})
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	if strings.TrimSpace(string(out)) == "true" {
		return &model.Error{Kind: model.ErrInvalid, Reason: "ShallowClone",
			Msg:  "reading the history: this clone has only a part of it",
			Next: "fetch all of it: GIT_DEPTH: \"0\" in GitLab, fetch-depth: 0 of actions/checkout, git fetch --unshallow elsewhere"}
	}
	return nil
}

// stream runs git and gives its output to read as it comes. A command that fails is an error even
// when read saw nothing wrong.
func (w *WorkTree) stream(ctx context.Context, doing string, args []string, read func(io.Reader) error) error {
	cmd := w.git.cmd(ctx, command{dir: w.Dir, args: args, env: quiet, config: [][2]string{{"core.quotePath", "false"}, {"diff.renameLimit", "2000"}}})
	stderr := &bounded{max: maxStderr, keepTail: true}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	readErr := read(out)
	if readErr != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case readErr != nil:
		return fmt.Errorf("%s: %w", doing, readErr)
	case err != nil:
		return fmt.Errorf("%s: %w", doing, &failure{stderr: scrub(stderr.String()), err: err})
	}
	return nil
}
