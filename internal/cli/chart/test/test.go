// Package test is the command that checks a chart before anyone deploys it.
package test

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// The values of --cluster.
const (
	ClusterAuto     = "auto"
	ClusterNone     = "none"
	ClusterCurrent  = "current"
	ClusterEmbedded = "embedded"
)

// Server finds the API server that --cluster chooses, to be tried in namespace where one is named.
// The note says why there is none where none was found.
type Server func(ctx context.Context, choice, namespace string) (server check.Server, end func() error, note string, err error)

// Options of the command.
type Options struct {
	IO      *output.Streams
	Check   check.Options
	Server  Server
	Cluster string
	Files   []string          // -f
	Reports map[string]string // files by form: "junit", "codequality"
	FailOn  check.Severity
	Notes   bool
	Format  output.Format

	Annotations io.Writer // of a GitHub job; nil elsewhere

	here      string // the working folder
	namespace string // that was named for the trial; empty is one made for it
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

const long = `Check a chart in one go: Helm's lint, values.schema.json, rendering with values.yaml, with each
values file (values-*.yaml, values/*.yaml, ci/*-values.yaml, -f) and with every boolean value flipped
on its own and all together; every object against the schemas of Kubernetes, deprecated and removed
APIs, what refers to what, names that get too long, a security baseline, and the chart's golden files.
With a cluster, its API server is asked about each object too, by dry run; nothing is kept there.

Findings name the template, the line and the simplest values that lead there. What is meant to be as
it is goes into .fairlead-chart.yaml in the chart, with a reason.

It exits with 0 when there is nothing to find and 1 when there is.`

// NewCmdTest makes the command. open gives a renderer, server an API server to ask.
func NewCmdTest(f *cli.Factory, open func(root string) (check.Render, func()), server Server, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Server: server, Reports: map[string]string{}, Annotations: f.Annotations}
	o.Check.Now, o.Check.Open = f.Now, open
	var format, failOn string
	var reports []string
	var rules bool
	cmd := &cobra.Command{
		Use:   "test PATH",
		Short: "Lint, render in every way, validate and check a chart for safety",
		Long:  long,
		Example: cli.Example(`
			fairlead chart test charts/web
			fairlead chart test charts/web --kube-version 1.33,1.36 --fail-on warning
			fairlead chart test charts/web --cluster embedded --report junit=chart.xml --report codequality=chart.json
			fairlead chart test charts/web --update`),
		Args: func(cmd *cobra.Command, args []string) error {
			if rules {
				return cli.NoArgs(cmd, args)
			}
			return cli.Args(1, 1, "the folder of a chart, or its archive")(cmd, args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if rules {
				return printRules(f.IO)
			}
			o.Check.Path = args[0]
			if err := o.read(cmd, f, format, failOn, reports); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return testRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.Files, "values", "f", nil, "further values `file`, each rendered on its own; a+b are two that go together, the last one winning, and - is standard input")
	flags.StringSliceVar(&o.Check.Kube, "kube-version", nil, "`version` of Kubernetes to check against, one or more of "+strings.Join(kubeschema.Versions(), ", ")+" (default "+kubeschema.Newest()+")")
	flags.StringSliceVarP(&o.Check.APIs, "api-versions", "a", nil, "API `versions` that templates see beside Kubernetes' own, like monitoring.coreos.com/v1")
	flags.StringSliceVar(&o.Check.CRDs, "crd", nil, "`folder` or file with CustomResourceDefinitions, beside those in the chart")
	flags.StringVar(&o.Cluster, "cluster", ClusterAuto, "API server to ask: auto, embedded, current (the kubeconfig's) or none; auto is the one of fairlead up, in CI the embedded one, else none")
	flags.StringVar(&o.Check.Release, "release", "", "`name` of the release to render (default \"release-name\")")
	flags.StringVar(&o.Check.Golden, "golden", "", "`folder` of golden files (default tests/golden in the chart, where there is one)")
	flags.BoolVar(&o.Check.Update, "update", false, "write the golden files instead of comparing with them")
	flags.StringVar(&failOn, "fail-on", string(check.Error), "least severity to exit with 1 for: error or warning")
	flags.StringSliceVar(&o.Check.Ignore, "ignore", nil, "`rule` that doesn't count; .fairlead-chart.yaml does this with a reason")
	flags.StringSliceVar(&reports, "report", nil, "`FORM=FILE` to write as well: junit=FILE (JUnit XML), codequality=FILE (GitLab code quality)")
	flags.IntVar(&o.Check.Cases, "max-cases", 0, "most sets of values to render (default 300); what is left out is told")
	flags.BoolVar(&o.Check.SkipToggle, "no-toggles", false, "render with values files alone, flipping nothing")
	flags.BoolVar(&o.Notes, "notes", false, "print findings of severity info, too")
	flags.BoolVar(&rules, "rules", false, "list the rules and exit")
	cli.AddFormatFlag(cmd, &format, formats...)
	complete(cmd, "cluster", ClusterAuto, ClusterEmbedded, ClusterCurrent, ClusterNone)
	complete(cmd, "kube-version", kubeschema.Versions()...)
	complete(cmd, "fail-on", string(check.Error), string(check.Warning))
	complete(cmd, "report", "junit=", "codequality=")
	complete(cmd, "ignore", ruleIDs()...)
	return cmd
}

func complete(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		cmd.PrintErrln(err) // a flag that was defined just before
	}
}

func ruleIDs() []string {
	var all []string
	for _, r := range check.Rules {
		all = append(all, r.ID)
	}
	return all
}

// read turns flags into options.
func (o *Options) read(cmd *cobra.Command, f *cli.Factory, format, failOn string, reports []string) error {
	usage := func(format string, args ...any) error { return cli.Usagef(cmd.CommandPath(), format, args...) }
	var err error
	if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
		return err
	}
	if o.here, err = os.Getwd(); err != nil {
		return fmt.Errorf("finding the working folder: %w", err)
	}
	o.Check.Namespace, o.namespace = f.Global.Namespace, f.Global.Namespace
	if o.FailOn = check.Severity(failOn); o.FailOn != check.Error && o.FailOn != check.Warning {
		return usage("--fail-on: %q is neither error nor warning", failOn)
	}
	if !slices.Contains([]string{ClusterAuto, ClusterNone, ClusterCurrent, ClusterEmbedded}, o.Cluster) {
		return usage("--cluster: %q is none of auto, embedded, current, none", o.Cluster)
	}
	for _, r := range reports {
		form, file, ok := strings.Cut(r, "=")
		if !ok || file == "" || form != "junit" && form != "codequality" {
			return usage("--report: %q: want junit=FILE or codequality=FILE", r)
		}
		o.Reports[form] = file
	}
	for _, id := range o.Check.Ignore {
		if !slices.Contains(ruleIDs(), id) {
			return usage("--ignore: there is no rule %q; --rules lists them", id)
		}
	}
	for _, v := range o.Check.Kube {
		if _, err := kubeschema.For(v); err != nil {
			return usage("--kube-version: %q is none of %s", v, strings.Join(kubeschema.Versions(), ", "))
		}
	}
	return nil
}

func testRun(ctx context.Context, o *Options) error {
	for _, names := range o.Files {
		set := check.Values{Name: names}
		for name := range strings.SplitSeq(names, "+") {
			text, err := readValues(o.IO, name)
			if err != nil {
				return err
			}
			set.Texts = append(set.Texts, text)
		}
		o.Check.Values = append(o.Check.Values, set)
	}
	server, end, note, err := o.Server(ctx, o.Cluster, o.namespace)
	if err != nil {
		return err
	}
	o.Check.Server = server
	report, err := check.Run(ctx, o.Check)
	if eerr := end(); eerr != nil {
		o.IO.Say("note: %v", eerr)
	}
	if err != nil {
		return err
	}
	if err := o.writeReports(report); err != nil {
		return err
	}
	if o.Format.Structured() {
		err = o.Format.Write(o.IO.Out, newDocument(report))
	} else {
		err = o.print(report, note)
	}
	o.annotate(report)
	if err == nil && report.Worst(o.FailOn) {
		return cli.ErrNo
	}
	return err
}

// maxValues is how large a values file may be.
const maxValues = 8 << 20

func readValues(s *output.Streams, name string) ([]byte, error) {
	in := s.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "ValuesNotFound", Msg: "reading values", Err: err, Next: "check the path given with -f: it counts from here"}
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxValues+1))
	if err != nil {
		return nil, fmt.Errorf("reading values from %s: %w", name, err)
	}
	if len(text) > maxValues {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "ValuesTooLarge", File: name, Msg: "the values file is larger than 8 MiB"}
	}
	return text, nil
}

// document is what -o json prints.
type document struct {
	cli.Header
	*check.Report
}

func newDocument(r *check.Report) document { return document{cli.NewHeader("ChartTest"), r} }

func printRules(s *output.Streams) error {
	t := output.Table{Columns: []output.Column{{Name: "RULE"}, {Name: "SEVERITY"}, {Name: "WHAT"}}, Width: s.Width, Paint: s.OutPaint()}
	var rows [][]string
	for _, r := range check.Rules {
		rows = append(rows, []string{r.ID, string(r.Severity), r.Title})
	}
	return t.Write(s.Out, rows...)
}
