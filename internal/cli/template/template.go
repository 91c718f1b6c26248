// Package template is the command that renders a chart and prints what Helm would.
package template

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/chartref"
	"github.com/fairlead-cd/fairlead/internal/cli/values"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Charts func() (*open.Charts, error)

	Name      string // of the release
	Namespace string
	Chart     open.Ask
	Values    []model.ValuesLayer

	KubeVersion string
	APIVersions []string
	IsUpgrade   bool

	ShowOnly    []string
	IncludeCRDs bool
	SkipTests   bool
	NoHooks     bool
	OutputDir   string
	NameInDir   bool
}

// defaults of Helm.
const (
	defaultName      = "release-name"
	defaultNamespace = "default"
)

// NewCmdTemplate makes the command. charts gives what opens and renders charts.
func NewCmdTemplate(f *cli.Factory, charts func() (*open.Charts, error), runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Charts: charts}
	var from chartref.Flags
	var given values.Values
	cmd := &cobra.Command{
		Use:   "template [NAME] CHART",
		Short: "Render a chart and print its manifests",
		Long: `Render a chart and print its manifests, byte for byte what helm template prints. No cluster is
asked: the chart sees the API versions and the Kubernetes version that Helm assumes, unless
--kube-version and --api-versions say otherwise.

CHART is a folder, a .tgz file, oci://host/path/chart, or NAME with --repo URL. Dependencies that
Chart.yaml names and charts/ does not hold are fetched. Values take precedence as with Helm: files
in their order, then --set-json, --set, --set-string, --set-file and --set-literal.

The chart runs in a process that can read nothing but the chart, cannot reach the network, and is
limited in time and memory. The namespace is "default" without -n, whatever the kubeconfig says.`,
		Example: cli.Example(`
			fairlead template ./chart -f values-prod.yaml
			fairlead template shop ./chart -n prod --set image.tag=1.2.3 -s templates/deployment.yaml
			fairlead template shop oci://registry.example.com/charts/shop --version '^1.2'
			fairlead template shop shop --repo https://charts.example.com --include-crds`),
		GroupID: cli.GroupBuild,
		Args:    cli.Args(1, 2, "a chart"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name, o.Namespace = defaultName, defaultNamespace
			if len(args) == 2 {
				o.Name = args[0]
			}
			if f.Global.Namespace != "" {
				o.Namespace = f.Global.Namespace
			}
			if err := o.check(cmd); err != nil {
				return err
			}
			var err error
			if o.Chart, err = from.Ask(cmd, args[len(args)-1], f.IO.In); err != nil {
				return err
			}
			if o.Values, err = given.Layers(f.IO.In); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return templateRun(cmd.Context(), o)
		},
	}
	values.AddFlags(cmd, &given)
	chartref.AddFlags(cmd, &from)
	flags := cmd.Flags()
	flags.StringVar(&o.KubeVersion, "kube-version", "", "Kubernetes `version` that the chart sees")
	flags.StringSliceVarP(&o.APIVersions, "api-versions", "a", nil, "API `version` that the chart sees beside Kubernetes' own, as in monitoring.coreos.com/v1")
	flags.StringArrayVarP(&o.ShowOnly, "show-only", "s", nil, "print only what comes from this `template`: templates/deployment.yaml, templates/*.yaml")
	flags.BoolVar(&o.IncludeCRDs, "include-crds", false, "print the CRDs of the crds/ folders too")
	flags.BoolVar(&o.SkipTests, "skip-tests", false, "leave out test hooks")
	flags.BoolVar(&o.NoHooks, "no-hooks", false, "leave out all hooks")
	flags.BoolVar(&o.IsUpgrade, "is-upgrade", false, "set .Release.IsUpgrade instead of .Release.IsInstall")
	flags.StringVar(&o.OutputDir, "output-dir", "", "write files into this `folder` instead of printing")
	flags.BoolVar(&o.NameInDir, "release-name", false, "with --output-dir: in a folder named like the release")
	return cmd
}

// check refuses what would be refused later with less of an explanation.
func (o *Options) check(cmd *cobra.Command) error {
	if err := checkName(o.Name); err != nil {
		return cli.Usagef(cmd.CommandPath(), "%v", err)
	}
	if o.KubeVersion != "" {
		if _, err := common.ParseKubeVersion(o.KubeVersion); err != nil {
			return cli.Usagef(cmd.CommandPath(), "--kube-version %q is no version: write 1.36 or v1.36.3", o.KubeVersion)
		}
	}
	if o.NameInDir && o.OutputDir == "" {
		return cli.Usagef(cmd.CommandPath(), "--release-name needs --output-dir")
	}
	return nil
}

func (o *Options) capabilities() model.Capabilities {
	c := model.Capabilities{KubeVersion: o.KubeVersion}
	if len(o.APIVersions) > 0 {
		c.APIVersions = append(append([]string(nil), common.DefaultVersionSet...), o.APIVersions...)
	}
	return c
}

func templateRun(ctx context.Context, o *Options) error {
	charts, err := o.Charts()
	if err != nil {
		return err
	}
	defer charts.Close()
	if err := charts.Prepare(); err != nil {
		return err
	}
	a, err := charts.Open(ctx, o.Chart)
	if err != nil {
		return err
	}
	r, err := charts.Render(ctx, a, open.Request{
		Name: o.Name, Namespace: o.Namespace, Values: o.Values, Capabilities: o.capabilities(),
		IsUpgrade: o.IsUpgrade, CRDText: o.IncludeCRDs,
	})
	if err != nil {
		return err
	}
	hooks, err := o.hooks(r.Chart)
	if err != nil {
		return err
	}
	if o.OutputDir != "" {
		return o.write(r.Chart, hooks)
	}
	text := o.text(r.Chart, hooks)
	if len(o.ShowOnly) > 0 {
		if text, err = only(text, o.ShowOnly); err != nil {
			return err
		}
	}
	_, err = io.Copy(o.IO.Data(), strings.NewReader(text))
	return err
}
