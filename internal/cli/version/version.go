// Package version is the command that says which program this is. It connects to nothing.
package version

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Build  cli.Build
	Format output.Format
}

// document is what -o json prints.
type document struct {
	cli.Header
	cli.Build
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// NewCmdVersion makes the command.
func NewCmdVersion(f *cli.Factory, runF func(*Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Build: f.Build}
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Example: cli.Example(`
			fairlead version
			fairlead version -o json`),
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if runF != nil {
				return runF(o)
			}
			return versionRun(o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

func versionRun(o *Options) error {
	if o.Format.Structured() {
		return o.Format.Write(o.IO.Out, document{cli.NewHeader("Version"), o.Build})
	}
	line := "fairlead " + o.Build.Version
	if o.Build.Commit != "" {
		line += " (commit " + o.Build.Commit
		if o.Build.Modified {
			line += ", modified"
		}
		line += ")"
	}
	_, err := fmt.Fprintf(o.IO.Out, "%s %s %s\n", line, o.Build.GoVersion, o.Build.Platform)
	return err
}
