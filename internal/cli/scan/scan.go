// Package scan is the command that looks for secrets in a repository.
package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/ci/scan"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// OpenFunc finds the work tree that a folder is in; done removes what that took.
type OpenFunc func(ctx context.Context, dir string) (w *git.WorkTree, done func(), err error)

// Options of the command.
type Options struct {
	IO       *output.Streams
	Now      func() time.Time
	Version  string
	Open     OpenFunc
	Path     string // "" is the whole repository that the command runs in
	Staged   bool
	Since    string
	History  bool
	All      bool
	Config   string
	Baseline string
	MaxBytes int64
	Reports  []report.Target
	Format   output.Format

	Annotations io.Writer // of a GitHub job; nil elsewhere
}

var formats = []string{output.FormatTable, output.FormatWide, output.FormatJSON, output.FormatYAML, output.FormatName}

// NewCmdScan makes the command.
func NewCmdScan(f *cli.Factory, open OpenFunc, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Now: f.Now, Version: f.Build.Version, Open: open, Annotations: f.Annotations}
	var format string
	var reports []string
	var megabytes int
	cmd := &cobra.Command{
		Use:   "scan [PATH]",
		Short: "Look for secrets in a repository",
		Long: `Look for secrets in the files of a repository, those that are tracked and those that could be; with
--staged in what is about to be committed, with --since or --history in what commits added. Without
PATH that is the whole repository; outside of one, all files of the folder are looked at.

The rules are gitleaks'. A repository's .gitleaks.toml and .gitleaksignore are heeded, and so is the
comment gitleaks:allow on a line. What is found is told by file, line and rule; the secret itself is
never shown. It exits with 1 when something was found.

A secret that was pushed has to be changed where it is valid: taking it out of the files does not take
it back.`,
		Example: cli.Example(`
			fairlead scan
			fairlead scan --staged                                  # in .git/hooks/pre-commit
			fairlead scan --since origin/main --report codequality=secrets.json
			fairlead scan --history -o json > baseline.json; fairlead scan --history --baseline baseline.json`),
		GroupID: cli.GroupBuild,
		Args:    cli.Args(0, 1, "a folder or file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if o.Reports, err = report.ParseTargets(reports, report.FormatJUnit, report.FormatCodeQuality, report.FormatSarif); err != nil {
				return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
			}
			if o.modes() > 1 {
				return cli.Usagef(cmd.CommandPath(), "--staged, --since, --history and --all-files exclude each other")
			}
			if megabytes < 1 {
				return cli.Usagef(cmd.CommandPath(), "--max-megabytes %d: want at least 1", megabytes)
			}
			o.MaxBytes = int64(megabytes) << 20
			if len(args) > 0 {
				o.Path = args[0]
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return scanRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	cli.AddFormatFlag(cmd, &format, formats...)
	flags.BoolVar(&o.Staged, "staged", false, "only what the index adds to the last commit")
	flags.StringVar(&o.Since, "since", "", "only what commits added after this `revision`")
	flags.BoolVar(&o.History, "history", false, "what every commit of every branch and tag added")
	flags.BoolVar(&o.All, "all-files", false, "every file below PATH, those that git ignores too")
	flags.StringVar(&o.Config, "config", "", "`file` of the repository with rules (default "+scan.ConfigFile+")")
	flags.StringVar(&o.Baseline, "baseline", "", "`file` with what was found before, from -o json or gitleaks: it is accepted")
	flags.IntVar(&megabytes, "max-megabytes", 5, "larger files are not read, and named")
	flags.StringArrayVar(&reports, "report", nil, "also write a report, `FORMAT=FILE`: junit, codequality (GitLab) or sarif; may be repeated")
	return cmd
}

func (o *Options) modes() int {
	n := 0
	for _, on := range []bool{o.Staged, o.Since != "", o.History, o.All} {
		if on {
			n++
		}
	}
	return n
}

func scanRun(ctx context.Context, o *Options) error {
	start := o.Now()
	full, err := filepath.Abs(o.Path)
	if err != nil {
		return fmt.Errorf("finding %s: %w", o.Path, err)
	}
	st, err := os.Stat(full)
	if err != nil {
		return &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchFile", File: o.Path, Msg: "there is no such file or folder"}
	}
	dir := full
	if !st.IsDir() {
		dir = filepath.Dir(full)
	}
	work, done, err := o.Open(ctx, dir)
	defer done()
	switch {
	case errors.Is(err, git.ErrNoRepository) && !o.Staged && o.Since == "" && !o.History:
		work = nil
	case errors.Is(err, git.ErrNoRepository):
		return &model.Error{Kind: model.ErrInvalid, Reason: "NoRepository", Err: err, Msg: "there is no history and no index to look at",
			Next: "run it in a repository, or without --staged, --since and --history"}
	case err != nil:
		return err
	}
	base := dir
	if work != nil {
		base = work.Dir
		if o.Path == "" {
			full = base
		}
	}
	s, below, err := o.scanner(base, full)
	if err != nil {
		return err
	}
	if err := o.look(ctx, s, work, base, below); err != nil {
		return err
	}
	res := s.Result()
	if err := o.writeReports(res); err != nil {
		return err
	}
	if err := o.print(res, o.Now().Sub(start)); err != nil {
		return err
	}
	report.Annotate(o.Annotations, annotations(res))
	if len(res.Findings) > 0 {
		return cli.ErrNo
	}
	return nil
}

// scanner makes a scanner of base, and gives the name of path below it.
func (o *Options) scanner(base, path string) (*scan.Scanner, string, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // git names its root by its real path
	}
	if real, err := filepath.EvalSymlinks(base); err == nil {
		base = real
	}
	below, err := filepath.Rel(base, path)
	if err != nil || strings.HasPrefix(below, "..") {
		return nil, "", fmt.Errorf("finding %s in its repository: it is outside", o.Path)
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return nil, "", fmt.Errorf("opening the repository: %w", err)
	}
	known, err := loadBaseline(o.Baseline)
	if err != nil {
		return nil, "", err
	}
	config, err := o.configBelow(base)
	if err != nil {
		return nil, "", err
	}
	s, err := scan.New(root.FS(), scan.Options{Config: config, Baseline: known, MaxBytes: o.MaxBytes})
	return s, filepath.ToSlash(below), err
}

// configBelow is the name of --config below the repository's root: rules come with what they judge.
func (o *Options) configBelow(base string) (string, error) {
	if o.Config == "" {
		return "", nil
	}
	full, err := filepath.Abs(o.Config)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", o.Config, err)
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		full = real
	}
	rel, err := filepath.Rel(base, full)
	if err != nil || strings.HasPrefix(rel, "..") {
		return "", &model.Error{Kind: model.ErrInvalid, Reason: "OutsideRepository", File: o.Config, Msg: "the rules have to be in the repository"}
	}
	return filepath.ToSlash(rel), nil
}

// look hands the scanner what the flags ask for.
func (o *Options) look(ctx context.Context, s *scan.Scanner, work *git.WorkTree, base, below string) error {
	read := func(r io.Reader) error { return s.Patch(ctx, r) }
	switch {
	case o.Staged:
		return work.StagedPatch(ctx, below, read)
	case o.Since != "" || o.History:
		return work.HistoryPatch(ctx, o.Since, below, read)
	case work != nil && !o.All:
		names, err := work.Files(ctx, below)
		if err != nil {
			return err
		}
		return s.Files(ctx, names)
	}
	names, err := walk(base, below)
	if err != nil {
		return err
	}
	return s.Files(ctx, names)
}

// walk lists all files below a name, git's own apart.
func walk(base, below string) ([]string, error) {
	root, err := os.OpenRoot(base)
	if err != nil {
		return nil, fmt.Errorf("listing files: %w", err)
	}
	defer root.Close()
	var names []string
	err = fs.WalkDir(root.FS(), below, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.Type().IsRegular():
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing files: %w", err)
	}
	return names, nil
}
