// Package lint is the command that names what is dangerous or missing in a pipeline.
package lint

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/ci/lint"
	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO      *output.Streams
	Files   []string // as given; none is all pipelines of the repository
	Dir     string   // where the command runs
	FailOn  lint.Severity
	Brief   bool
	Reports []report.Target
	Format  output.Format

	Annotations io.Writer // of a GitHub job; nil elsewhere
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML, output.FormatName}

// NewCmdLint makes the command.
func NewCmdLint(f *cli.Factory, runF func(*Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Dir: ".", Annotations: f.Annotations}
	var format, failOn string
	var reports []string
	cmd := &cobra.Command{
		Use:   "lint [FILE...]",
		Short: "Name what is dangerous or missing in a pipeline",
		Long: `Read the pipelines of the repository, .gitlab-ci.yml and .github/workflows, and name what is
dangerous or missing in them: credentials that do not end, servers that are not checked, images and
tools that can change, tests that do not test, production without a person or another environment
before it, deployments nobody waits for. Each finding says where, why, and what to write instead.

anchors, extends, !reference, default and include: local are followed. Nothing is run or sent.

A comment accepts a finding, on its line, on the line above, or above a job for all of the job:
  # fairlead:ignore RULE[,RULE] the reason

It exits with 0 when nothing was found that matters as much as --fail-on, and 1 otherwise.`,
		Example: cli.Example(`
			fairlead ci lint
			fairlead ci lint ci/deploy.gitlab-ci.yml
			fairlead ci lint --report codequality=pipeline.json --fail-on error`),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if o.Reports, err = report.ParseTargets(reports, report.FormatJUnit, report.FormatCodeQuality); err != nil {
				return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
			}
			switch o.FailOn = lint.Severity(failOn); o.FailOn {
			case lint.Error, lint.Warning, lint.Info:
			default:
				return cli.Usagef(cmd.CommandPath(), "--fail-on %q: want error, warning or info", failOn)
			}
			o.Files = args
			if runF != nil {
				return runF(o)
			}
			return lintRun(o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	cmd.Flags().StringVar(&failOn, "fail-on", string(lint.Warning), "least `severity` that makes the exit code 1: error, warning or info")
	cmd.Flags().BoolVar(&o.Brief, "brief", false, "leave out why it matters and what to write instead")
	cmd.Flags().StringArrayVar(&reports, "report", nil, "also write a report, `FORMAT=FILE`: junit or codequality (GitLab); may be repeated")
	for name, values := range map[string][]string{"fail-on": {"error", "warning", "info"}, "report": {"junit=", "codequality="}} {
		if err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoSpace)); err != nil {
			cmd.PrintErrln(err) // only a flag that was not defined above can be unknown
		}
	}
	return cmd
}

func lintRun(o *Options) error {
	root, names, err := locate(o.Dir, o.Files)
	if err != nil {
		return err
	}
	files, err := openRoot(root)
	if err != nil {
		return err
	}
	res, err := lint.Run(files, names...)
	if err != nil {
		return err
	}
	if err := writeReports(o.Reports, res); err != nil {
		return err
	}
	if err := o.print(res); err != nil {
		return err
	}
	report.Annotate(o.Annotations, annotations(res))
	for _, f := range res.Findings {
		if f.Severity.AtLeast(o.FailOn) {
			return cli.ErrNo
		}
	}
	return nil
}

// openRoot opens a folder that nothing read below it can lead out of.
func openRoot(dir string) (fs.FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	return root.FS(), nil
}

// locate finds the repository that dir is in, and the names of files below it.
func locate(dir string, files []string) (root string, names []string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, fmt.Errorf("finding the repository: %w", err)
	}
	if len(files) > 0 {
		first, err := filepath.Abs(filepath.Join(dir, files[0]))
		if filepath.IsAbs(files[0]) {
			first, err = filepath.Clean(files[0]), nil
		}
		if err != nil {
			return "", nil, fmt.Errorf("finding %s: %w", files[0], err)
		}
		root = above(filepath.Dir(first))
	} else {
		root = above(dir)
	}
	for _, f := range files {
		full := f
		if !filepath.IsAbs(f) {
			full = filepath.Join(dir, f)
		}
		rel, err := filepath.Rel(root, full)
		if err != nil || strings.HasPrefix(rel, "..") {
			return "", nil, &model.Error{Kind: model.ErrInvalid, Reason: "OtherRepository", File: f,
				Msg: "this is in another repository than the first file", Next: "look at one repository at a time"}
		}
		names = append(names, filepath.ToSlash(rel))
	}
	return root, names, nil
}

// above is the folder at or above dir that a repository begins in; dir itself where there is none.
func above(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(filepath.Join(d, ".git")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}
