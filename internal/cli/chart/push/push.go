// Package push is the command that puts a chart into a registry.
package push

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/chart/pack"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/chartref"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Charts func() (*open.Charts, error)
	Chart  string   // a folder or an archive
	To     open.Ask // oci://host/path
	Pack   pack.Options
	Force  bool
	Format output.Format
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// NewCmdPush makes the command. charts gives what opens charts.
func NewCmdPush(f *cli.Factory, charts func() (*open.Charts, error), runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Charts: charts}
	var access chartref.Access
	var format string
	cmd := &cobra.Command{
		Use:   "push CHART oci://HOST/PATH",
		Short: "Put a chart into a registry",
		Long: `Put a chart, an archive or a folder that is packed first, into a registry as
oci://HOST/PATH/NAME:VERSION, as helm push does. Helm, Flux and Argo CD can use it from there.

A version that is there already with other content is not replaced, unless --force says so: who
deployed it relies on it. Pushing the same again does nothing.

The credential is what docker login or helm registry login left for HOST, or --username with the
password on stdin.`,
		Example: cli.Example(`
			fairlead chart push ./chart oci://registry.example.com/charts --version "1.4.0+$CI_COMMIT_SHORT_SHA"
			echo "$CI_JOB_TOKEN" | fairlead chart push app-1.4.0.tgz oci://registry.example.com/charts --username gitlab-ci-token --password-stdin`),
		Args: cli.Args(2, 2, "a chart and where to push it: oci://host/path"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			o.Chart, o.To = args[0], open.Ask{Chart: args[1], PlainHTTP: access.PlainHTTP}
			if o.To.Auth, err = access.Auth(cmd, f.IO.In); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return pushRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	flags := cmd.Flags()
	flags.StringVar(&o.Pack.Version, "version", "", "of a folder: give the chart this `version`")
	flags.StringVar(&o.Pack.AppVersion, "app-version", "", "of a folder: give the chart this app `version`")
	flags.BoolVarP(&o.Pack.Update, "dependency-update", "u", false, "of a folder: fetch the dependencies that charts/ does not hold")
	flags.BoolVar(&o.Force, "force", false, "replace a version that is there with other content")
	chartref.AddAccessFlags(cmd, &access)
	return cmd
}

func pushRun(ctx context.Context, o *Options) error {
	charts, err := o.Charts()
	if err != nil {
		return err
	}
	defer charts.Close()
	var p pack.Packed
	if info, statErr := os.Stat(o.Chart); statErr == nil && !info.IsDir() {
		if o.Pack != (pack.Options{}) {
			return cli.Usagef("fairlead chart push", "--version, --app-version and -u are for folders; %s is packed already", o.Chart)
		}
		p, err = pack.Archived(charts, o.Chart)
	} else {
		p, err = pack.Folder(ctx, charts, open.Ask{Chart: o.Chart}, o.Pack)
	}
	if err != nil {
		return err
	}
	pushed, err := pack.Push(ctx, charts, p, o.To, o.Force)
	if err != nil {
		return err
	}
	if o.Format.Structured() {
		return o.Format.Write(o.IO.Out, struct {
			cli.Header
			pack.Pushed
		}{cli.NewHeader("PushedChart"), pushed})
	}
	if pushed.Changed {
		o.IO.Say("pushed %s", pushed.Reference)
	} else {
		o.IO.Say("unchanged: %s is there already", pushed.Reference)
	}
	return o.IO.Line(pushed.Reference + "@" + pushed.Digest)
}
