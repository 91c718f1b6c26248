// Package crds is the command that prints the definitions of the kinds Fairlead reads, for kubectl.
package crds

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/api/crds"
	"github.com/fairlead-cd/fairlead/internal/cli"
)

// Options of the command.
type Options struct {
	Out   io.Writer
	Files fs.FS // YAML files
}

// NewCmdCRDs makes the command.
func NewCmdCRDs(f *cli.Factory, runF func(*Options) error) *cobra.Command {
	o := &Options{Out: f.IO.Data(), Files: crds.Files}
	return &cobra.Command{
		Use:   "crds",
		Short: "Print the definitions of all kinds, for kubectl apply",
		Long: `Print the CustomResourceDefinitions of the kinds that ask for releases. A cluster in which the
Helm Operator or Argo CD are installed has some of them already; these are compatible.`,
		Example: cli.Example(`
			fairlead crds | kubectl apply --server-side -f -`),
		GroupID: cli.GroupRun,
		Args:    cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if runF != nil {
				return runF(o)
			}
			return crdsRun(o)
		},
	}
}

func crdsRun(o *Options) error {
	names, err := fs.Glob(o.Files, "*.yaml")
	if err != nil {
		return fmt.Errorf("listing the definitions: %w", err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(o.Files, name)
		if err != nil {
			return fmt.Errorf("reading the definition: %w", err)
		}
		b = append(bytes.TrimRight(b, "\n"), '\n')
		if !strings.HasPrefix(string(b), "---") {
			b = append([]byte("---\n"), b...)
		}
		if _, err := o.Out.Write(b); err != nil {
			return fmt.Errorf("writing the definitions: %w", err)
		}
	}
	return nil
}
