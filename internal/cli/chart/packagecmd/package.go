// Package packagecmd is the command that makes a chart's archive. "package" is a word of Go.
package packagecmd

import (
	"context"
	"crypto/sha256"
	"fmt"
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
	IO         *output.Streams
	Charts     func() (*open.Charts, error)
	Chart      string
	Dir        string
	Version    string
	AppVersion string
	Update     bool
	Auth       *model.Auth
	PlainHTTP  bool
}

// NewCmdPackage makes the command. charts gives what opens charts.
func NewCmdPackage(f *cli.Factory, charts func() (*open.Charts, error), runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Charts: charts}
	var access chartref.Access
	cmd := &cobra.Command{
		Use:   "package CHART",
		Short: "Make a chart's archive",
		Long: `Make NAME-VERSION.tgz of the chart in a folder. The same files give the same bytes, whoever packs
them and when. What .helmignore names is left out; all else is taken as it is.

Dependencies have to be in charts/, or to be file:// ones beside the chart. With -u the others are
fetched into the archive, in the versions that Chart.lock says where there is one; the folder stays
as it is.`,
		Example: cli.Example(`
			fairlead chart package ./chart -d dist
			fairlead chart package ./chart --version 1.4.0 --app-version "$CI_COMMIT_SHA"`),
		Args: cli.Args(1, 1, "the folder of a chart"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Chart, o.PlainHTTP = args[0], access.PlainHTTP
			var err error
			if o.Auth, err = access.Auth(cmd, f.IO.In); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return packageRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.Dir, "destination", "d", ".", "`folder` that the archive is written to")
	flags.StringVar(&o.Version, "version", "", "give the chart this `version`")
	flags.StringVar(&o.AppVersion, "app-version", "", "give the chart this app `version`")
	flags.BoolVarP(&o.Update, "dependency-update", "u", false, "fetch the dependencies that charts/ does not hold")
	chartref.AddAccessFlags(cmd, &access)
	return cmd
}

func packageRun(ctx context.Context, o *Options) error {
	charts, err := o.Charts()
	if err != nil {
		return err
	}
	defer charts.Close()
	p, err := pack.Folder(ctx, charts, open.Ask{Chart: o.Chart, Auth: o.Auth, PlainHTTP: o.PlainHTTP}, pack.Options{
		Version: o.Version, AppVersion: o.AppVersion, Update: o.Update,
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", o.Dir, err)
	}
	name := filepath.Join(o.Dir, pack.FileName(p.Metadata))
	if err := pack.WriteFile(name, p.Archive); err != nil {
		return err
	}
	o.IO.Say("packed %s %s, sha256:%x", p.Metadata.Name, p.Metadata.Version, sha256.Sum256(p.Archive))
	return o.IO.Line(name)
}
