// Package init is the command that writes a repository's pipeline.
package init

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fairlead-cd/fairlead/internal/ci/pipeline"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO       *output.Streams
	Pipeline pipeline.Options
	Dir      string
	Force    bool
	DryRun   bool
	Stdout   bool
	Format   output.Format

	flags *pflag.FlagSet
}

// kept are the flags that say what the pipeline is like: it remembers them.
var kept = []string{
	"name", "project", "host", "branch", "chart", "dockerfile", "context", "image", "registry", "image-key",
	"runner-image", "environments", "namespace-of", "url", "health-path", "test", "package",
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// NewCmdInit makes the command.
func NewCmdInit(f *cli.Factory, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO}
	var format string
	cmd := &cobra.Command{
		Use:   "init " + strings.Join(pipeline.Providers, "|"),
		Short: "Write the pipeline of this repository",
		Long: `Look at the repository this is run in and write its pipeline: test, build and push, check the chart,
deploy to one environment after the other, the last one after a person's approval. With it come the
Dockerfile of the image that has every tool, a pre-commit hook against secrets, and what the clusters
have to be told to know the pipeline's jobs.

A file that was edited by hand is kept: the difference is shown, nothing is written and the exit code
is 1. --force replaces it. Options are remembered in the pipeline; the next run takes them again.`,
		Example: cli.Example(`
			fairlead ci init gitlab
			fairlead ci init github --runner-image ghcr.io/acme/shop/ci-runner@sha256:…
			fairlead ci init gitlab --environments dev,staging,prod --url staging=https://staging.example.com
			fairlead ci init gitlab --dry-run`),
		Args:      cli.Args(1, 1, "the build service: "+strings.Join(pipeline.Providers, " or ")),
		ValidArgs: pipeline.Providers,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if !slices.Contains(pipeline.Providers, args[0]) {
				return cli.Usagef(cmd.CommandPath(), "%q: want %s", args[0], strings.Join(pipeline.Providers, " or "))
			}
			o.Pipeline.Provider, o.flags = args[0], cmd.Flags()
			if o.Pipeline.Image != "" && o.Pipeline.Registry != "" {
				return cli.Usagef(cmd.CommandPath(), "--image says the registry already: leave out --registry")
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return initRun(o)
		},
	}
	addFlags(cmd, o)
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

func addFlags(cmd *cobra.Command, o *Options) {
	flags, p := cmd.Flags(), &o.Pipeline
	flags.StringVar(&p.Chart, "chart", "", "`folder` of the chart; default: the only one")
	flags.StringVar(&p.Dockerfile, "dockerfile", "", "the application's; default: the only one, or the one in a folder named as the chart")
	flags.StringVar(&p.Context, "context", "", "`folder` that is built; default: the Dockerfile's")
	flags.StringVar(&p.Name, "name", "", "of the release and the image; default: the chart's")
	flags.StringVar(&p.Image, "image", "", "`name` of the image with its registry; default: in the build service's registry")
	flags.StringVar(&p.Registry, "registry", "", "registry and `folder` to push to, instead of the build service's")
	flags.StringVar(&p.ImageKey, "image-key", "", "chart `value` that holds repository, tag and digest of the image (default image)")
	flags.StringVar(&p.RunnerImage, "runner-image", "", "`image` that has the tools, by digest: NAME@sha256:…; ci/runner/Dockerfile makes it")
	flags.StringSliceVar(&p.Environments, "environments", nil, "in the order of deployment; the last waits for approval (default "+strings.Join(pipeline.DefaultEnvironments, ",")+")")
	flags.StringSliceVar(&p.Namespaces, "namespace-of", nil, "`ENV=NAMESPACE`; default: NAME-ENV (repeatable)")
	flags.StringSliceVar(&p.URLs, "url", nil, "`ENV=URL` the application answers at: it is asked after a deployment (repeatable)")
	flags.StringVar(&p.HealthPath, "health-path", "", "`path` below it that is asked (default /health)")
	flags.StringArrayVar(&p.Tests, "test", nil, "`command` that tests, run in the repository's root (repeatable); default: by what is found")
	flags.StringSliceVar(&p.Packages, "package", nil, "Debian `package` that the runner image needs besides (repeatable)")
	flags.StringVar(&p.Project, "project", "", "`GROUP/NAME` at the build service; default: of the remote origin")
	flags.StringVar(&p.Host, "host", "", "of the build service; default: of the remote origin")
	flags.StringVar(&p.Branch, "branch", "", "that is deployed; default: the remote's default branch")
	flags.StringVar(&o.Dir, "dir", ".", "`folder` in the repository")
	flags.BoolVar(&o.Force, "force", false, "replace files that were edited by hand")
	flags.BoolVar(&o.DryRun, "dry-run", false, "say what would be written, and write nothing")
	flags.BoolVar(&o.Stdout, "stdout", false, "print the pipeline, and write nothing")
}

func initRun(o *Options) error {
	dir, err := repository(o.Dir)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	if err := o.remember(root); err != nil {
		return err
	}
	spec, err := pipeline.Detect(root.FS(), o.Pipeline)
	if err != nil {
		return err
	}
	files, err := pipeline.Render(spec)
	if err != nil {
		return err
	}
	if o.Stdout {
		if _, err := fmt.Fprint(o.IO.Data(), files[0].Content); err != nil {
			return fmt.Errorf("writing the output: %w", err)
		}
		return nil
	}
	changes, err := pipeline.Compare(root, files)
	if err != nil {
		return err
	}
	return o.finish(root, spec, changes)
}

// finish writes the files unless one of them is someone's own, and tells.
func (o *Options) finish(root *os.Root, spec *pipeline.Spec, changes []pipeline.Change) error {
	edited := false
	for i := range changes {
		if changes[i].State != pipeline.Edited {
			continue
		}
		if edited = !o.Force; !edited {
			changes[i].State = pipeline.Replaced
		}
	}
	if !edited && !o.DryRun {
		if err := pipeline.Write(root, changes); err != nil {
			return err
		}
	}
	if err := o.print(spec, changes, edited); err != nil {
		return err
	}
	if edited || o.DryRun && slices.ContainsFunc(changes, func(c pipeline.Change) bool { return c.State != pipeline.Unchanged }) {
		return cli.ErrNo
	}
	return nil
}

// remember takes the options that the pipeline was made with, where the command line says nothing
// else, and notes those that the next run shall take.
func (o *Options) remember(root *os.Root) error {
	text, err := fs.ReadFile(root.FS(), pipeline.PipelineFile(o.Pipeline.Provider))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the pipeline: %w", err)
	}
	said := map[string]bool{}
	o.flags.Visit(func(f *pflag.Flag) { said[f.Name] = true })
	for _, option := range pipeline.RecordedOptions(string(text)) {
		name, value, _ := strings.Cut(option, "=")
		if said[name] || !slices.Contains(kept, name) {
			continue
		}
		if err := o.flags.Set(name, value); err != nil {
			return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidOption", File: pipeline.PipelineFile(o.Pipeline.Provider),
				Msg: "the options it was made with cannot be read", Err: err, Next: "correct or remove the line --" + option}
		}
	}
	for _, name := range kept {
		f := o.flags.Lookup(name)
		if f == nil || !f.Changed {
			continue
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range list.GetSlice() {
				o.Pipeline.Said = append(o.Pipeline.Said, name+"="+v)
			}
			continue
		}
		o.Pipeline.Said = append(o.Pipeline.Said, name+"="+f.Value.String())
	}
	return nil
}

// repository is the root of the repository that dir is in.
func repository(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", &model.Error{Kind: model.ErrNotFound, Reason: "NoRepository", Msg: dir + " is no folder"}
	}
	for d := start; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(filepath.Join(d, ".git")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", &model.Error{Kind: model.ErrNotFound, Reason: "NoRepository", Msg: dir + " is in no Git repository",
				Next: "a pipeline belongs to one: git init makes it; --dir names another folder"}
		}
	}
}
