// Package schema is the command that writes the schema of a chart's values.
package schema

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/chart/pack"
	"github.com/fairlead-cd/fairlead/internal/chart/schema"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Charts func() (*open.Charts, error)
	Chart  string
	Update bool
	Check  bool
	File   string
}

// NewCmdSchema makes the command. charts gives what opens charts.
func NewCmdSchema(f *cli.Factory, charts func() (*open.Charts, error), runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Charts: charts}
	cmd := &cobra.Command{
		Use:   "schema CHART",
		Short: "Write the schema of a chart's values",
		Long: `Infer values.schema.json from values.yaml and its comments, and merge it with the one that exists.

Types come from the values; descriptions from the comment above a key (or from "# -- ..."), choices
from comments such as "Always, IfNotPresent or Never.", and anything else from "# @schema"
annotations. A map with keys is closed: a misspelt key is refused. A map that is empty, or that
Kubernetes leaves to its users (annotations, labels, resources, nodeSelector ...), takes any key.
values-*.yaml beside values.yaml count as well, and so do the subcharts in charts/.

What the existing schema says is kept, all of it; what is added to it, and where it and values.yaml
differ, is told. It exits with 1 when the schema does not accept the chart's own values, and with
--check also when values.schema.json is not what this command would write.`,
		Example: cli.Example(`
			fairlead chart schema ./chart > values.schema.json
			fairlead chart schema ./chart --update
			fairlead chart schema ./chart --check`),
		Args: cli.Args(1, 1, "the folder of a chart"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Chart = args[0]
			if o.Check && (o.Update || o.File != "") || o.Update && o.File != "" {
				return cli.Usagef(cmd.CommandPath(), "only one of --update, --check and --output can be given")
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return schemaRun(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.Update, "update", false, "write values.schema.json into the chart's folder")
	cmd.Flags().BoolVar(&o.Check, "check", false, "write nothing; exit with 1 when values.schema.json would change")
	cmd.Flags().StringVarP(&o.File, "output", "o", "", "write this `file` instead of printing")
	return cmd
}

func schemaRun(ctx context.Context, o *Options) error {
	charts, err := o.Charts()
	if err != nil {
		return err
	}
	defer charts.Close()
	a, err := charts.Open(ctx, open.Ask{Chart: o.Chart})
	if err != nil {
		return err
	}
	if filepath.Ext(a.Path) == ".tgz" {
		return cli.Usagef("fairlead chart schema", "%s is an archive: give the folder of a chart", o.Chart)
	}
	res, err := schema.Folder(a.Dir, a.Path)
	if err != nil {
		return err
	}
	for _, n := range res.Notes {
		o.IO.Say("%s", n)
	}
	for _, r := range res.Refused {
		o.IO.Say("refused: %s", r)
	}
	switch file := filepath.Join(o.Chart, "values.schema.json"); {
	case o.Check:
		if res.Changed {
			o.IO.Say("%s is not what fairlead chart schema --update would write", file)
			return cli.ErrNo
		}
	case o.Update || o.File != "":
		if o.File != "" {
			file = o.File
		}
		if err := pack.WriteFile(file, res.Text); err != nil {
			return err
		}
		if err := o.IO.Line(file); err != nil {
			return err
		}
	default:
		if _, err := o.IO.Data().Write(res.Text); err != nil {
			return err
		}
	}
	if len(res.Refused) > 0 {
		return cli.ErrNo
	}
	return nil
}
