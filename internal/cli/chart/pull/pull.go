// Package pull is the command that fetches a chart from a registry or a repository.
package pull

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/chart/pack"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/chartref"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Charts func() (*open.Charts, error)
	Chart  open.Ask
	Dir    string
	Untar  bool
}

// NewCmdPull makes the command. charts gives what opens charts.
func NewCmdPull(f *cli.Factory, charts func() (*open.Charts, error), runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Charts: charts}
	var from chartref.Flags
	cmd := &cobra.Command{
		Use:   "pull oci://HOST/PATH/NAME | NAME --repo URL",
		Short: "Fetch a chart from a registry or a Helm repository",
		Long: `Fetch a chart's archive as it was published, in the newest stable version or the one that --version
says, and write it as NAME-VERSION.tgz, or unpacked with --untar. Its content is checked against the
digest that the registry or the repository's index gives.`,
		Example: cli.Example(`
			fairlead chart pull oci://registry.example.com/charts/app --version '^1.4'
			fairlead chart pull app --repo https://charts.example.com --untar -d vendor`),
		Args: cli.Args(1, 1, "a chart"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Chart, err = from.Ask(cmd, args[0], f.IO.In); err != nil {
				return err
			}
			if !o.Chart.Remote() {
				return cli.Usagef(cmd.CommandPath(), "%q says nowhere to pull from: write oci://host/path/name, or NAME with --repo URL", args[0])
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return pullRun(cmd.Context(), o)
		},
	}
	chartref.AddFlags(cmd, &from)
	cmd.Flags().StringVarP(&o.Dir, "destination", "d", ".", "`folder` that the chart is written to")
	cmd.Flags().BoolVar(&o.Untar, "untar", false, "unpack it, into a folder named like the chart")
	return cmd
}

func pullRun(ctx context.Context, o *Options) error {
	charts, err := o.Charts()
	if err != nil {
		return err
	}
	defer charts.Close()
	data, revision, err := charts.Archive(ctx, o.Chart)
	if err != nil {
		return err
	}
	p, err := pack.Load(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", o.Chart.Chart, err)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", o.Dir, err)
	}
	o.IO.Say("pulled %s %s, %s", p.Metadata.Name, p.Metadata.Version, revision.Digest)
	if o.Untar {
		return o.untar(p.Metadata.Name, data)
	}
	name := filepath.Join(o.Dir, pack.FileName(p.Metadata))
	if err := pack.WriteFile(name, data); err != nil {
		return err
	}
	return o.IO.Line(name)
}

// untar unpacks into a folder that was not there: what is left of another version would be taken
// for a part of this one.
func (o *Options) untar(name string, data []byte) error {
	at := filepath.Join(o.Dir, name)
	if _, err := os.Lstat(at); err == nil {
		return &model.Error{Kind: model.ErrConflict, Reason: "FolderExists", Msg: at + " is there already", Next: "remove it, or unpack elsewhere with -d"}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unpacking %s: %w", at, err)
	}
	tmp, err := os.MkdirTemp(o.Dir, ".fairlead-")
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", at, err)
	}
	defer os.RemoveAll(tmp)
	if err := open.Unpack(bytes.NewReader(data), tmp, name); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(tmp, name), at); err != nil {
		return fmt.Errorf("unpacking %s: %w", at, err)
	}
	return o.IO.Line(at)
}
