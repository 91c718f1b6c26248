// Package rbac is the command that writes the smallest Role a chart can be deployed with.
package rbac

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"helm.sh/helm/v4/pkg/chart/common"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/chart/rbac"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/chartref"
	"github.com/fairlead-cd/fairlead/internal/cli/values"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO      *output.Streams
	Charts  func() (*open.Charts, error)
	Cluster func() (*cli.Cluster, error)

	Chart          open.Ask
	Values         []model.ValuesLayer
	Namespace      string
	Release        string // empty: named like the chart
	Tool           rbac.Tool
	ServiceAccount string // NAME or NAMESPACE/NAME
	User, Group    string
	AnyName        bool
	Diagnose       bool
	AskCluster     bool
	APIVersions    []string
	KubeVersion    string
	Format         output.Format
}

var formats = []string{output.FormatYAML, output.FormatJSON}

// NewCmdRBAC makes the command. charts gives what opens and renders charts.
func NewCmdRBAC(f *cli.Factory, charts func() (*open.Charts, error), runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO, Charts: charts, Cluster: f.Cluster}
	var from chartref.Flags
	var given values.Values
	var tool, format string
	cmd := &cobra.Command{
		Use:   "rbac CHART",
		Short: "Write the smallest Role that a chart can be deployed with",
		Long: `Write the service account, Role and RoleBinding with which a chart, with these values, can be
deployed, upgraded, rolled back and uninstalled, and nothing more; a ClusterRole only for what lies
in no namespace. A comment above each rule says what needs it.

Rights are narrowed to the names of the chart's objects where the API server looks at names. So they
fit this chart with these values: write them anew when a version of the chart adds objects, or use
--any-name. The namespace has to exist, and who applies them needs these rights himself.

--for helm is for helm upgrade --install --wait of Helm 4 and its rollback and uninstall, with
server-side apply, which Helm 4 uses for releases that it made itself.`,
		Example: cli.Example(`
			fairlead chart rbac ./chart -f values-prod.yaml -n prod --release shop | kubectl apply -f -
			fairlead chart rbac ./chart -n prod --service-account ci/deployer
			fairlead chart rbac ./chart -n prod --user 'https://gitlab.example.com#project_path:shop/app' --for helm`),
		Args: cli.Args(1, 1, "a chart"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, cmp.Or(format, output.FormatYAML), formats...); err != nil {
				return err
			}
			if o.Tool = rbac.Tool(tool); o.Tool != rbac.Fairlead && o.Tool != rbac.Helm {
				return cli.Usagef(cmd.CommandPath(), "--for %q: want fairlead or helm", tool)
			}
			if o.Namespace = f.Global.Namespace; o.Namespace == "" {
				o.Namespace = "default"
			}
			if err := o.check(cmd); err != nil {
				return err
			}
			if o.Chart, err = from.Ask(cmd, args[0], f.IO.In); err != nil {
				return err
			}
			if o.Values, err = given.Layers(f.IO.In); err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return rbacRun(cmd.Context(), o)
		},
	}
	cli.AddFormatFlag(cmd, &format, formats...)
	values.AddFlags(cmd, &given)
	chartref.AddFlags(cmd, &from)
	flags := cmd.Flags()
	flags.StringVar(&o.Release, "release", "", "`name` of the release; default is the chart's")
	flags.StringVar(&tool, "for", string(rbac.Fairlead), "who deploys: fairlead or helm")
	flags.StringVar(&o.ServiceAccount, "service-account", "", "`name` of the service account, or NAMESPACE/NAME; default is RELEASE-deploy")
	flags.StringVar(&o.User, "user", "", "give the rights to a user of this `name` instead, as the API server knows those who log in by OIDC")
	flags.StringVar(&o.Group, "group", "", "give the rights to a `group` instead")
	flags.BoolVar(&o.AnyName, "any-name", false, "for objects of any name, so that later versions of the chart can add some")
	flags.BoolVar(&o.Diagnose, "diagnose", false, "pods, their logs and events too, so that fairlead deploy can tell why something failed")
	flags.BoolVar(&o.AskCluster, "cluster", false, "ask the cluster about kinds that neither the chart nor Kubernetes defines")
	flags.StringVar(&o.KubeVersion, "kube-version", "", "Kubernetes `version` that the chart sees")
	flags.StringSliceVarP(&o.APIVersions, "api-versions", "a", nil, "API `version` that the chart sees beside Kubernetes' own")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.FixedCompletions([]string{"fairlead", "helm"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *Options) check(cmd *cobra.Command) error {
	given := 0
	for _, s := range []string{o.ServiceAccount, o.User, o.Group} {
		if s != "" {
			given++
		}
	}
	if given > 1 {
		return cli.Usagef(cmd.CommandPath(), "only one of --service-account, --user and --group can get the rights")
	}
	if strings.Count(o.ServiceAccount, "/") > 1 || strings.HasPrefix(o.ServiceAccount, "/") || strings.HasSuffix(o.ServiceAccount, "/") {
		return cli.Usagef(cmd.CommandPath(), "--service-account %q: want NAME or NAMESPACE/NAME", o.ServiceAccount)
	}
	return nil
}

func rbacRun(ctx context.Context, o *Options) error {
	charts, err := o.Charts()
	if err != nil {
		return err
	}
	defer charts.Close()
	in, err := o.input(ctx, charts)
	if err != nil {
		return err
	}
	res := rbac.Compute(in)
	for _, w := range res.Warnings {
		o.IO.Say("warning: %s", w)
	}
	manifests := res.Manifests(in, in.Release+"-deploy", o.subject(in))
	if o.Format.Is(output.FormatYAML) {
		text, err := rbac.YAML(manifests)
		if err != nil {
			return err
		}
		_, err = io.WriteString(o.IO.Data(), heading(in)+text)
		return err
	}
	items := make([]any, len(manifests))
	for i, m := range manifests {
		items[i] = m.Object
	}
	return o.Format.Write(o.IO.Out, map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}

// heading says at the top of a file what it is for, long after it was written.
func heading(in rbac.Input) string {
	by := "fairlead deploy"
	if in.Tool == rbac.Helm {
		by = "helm upgrade --install --wait (Helm 4)"
	}
	return fmt.Sprintf("# The rights to deploy, roll back and uninstall release %s in namespace %s by %s.\n"+
		"# Written by fairlead chart rbac for one chart with one set of values; write it anew when either changes.\n", in.Release, in.Namespace, by)
}

// input renders the chart as it is installed and as it is upgraded.
func (o *Options) input(ctx context.Context, charts *open.Charts) (rbac.Input, error) {
	in := rbac.Input{Tool: o.Tool, Release: o.Release, Namespace: o.Namespace, AnyName: o.AnyName, Diagnose: o.Diagnose}
	if err := charts.Prepare(); err != nil {
		return in, err
	}
	a, err := charts.Open(ctx, o.Chart)
	if err != nil {
		return in, err
	}
	req := open.Request{Name: o.Release, Namespace: o.Namespace, Values: o.Values, Capabilities: model.Capabilities{KubeVersion: o.KubeVersion}}
	if len(o.APIVersions) > 0 {
		req.Capabilities.APIVersions = append(append([]string(nil), common.DefaultVersionSet...), o.APIVersions...)
	}
	if in.Release == "" {
		if in.Release, err = charts.Name(a); err != nil {
			return in, err
		}
		req.Name = in.Release
	}
	if in.Lookups, err = lookups(a); err != nil {
		return in, err
	}
	for _, req.IsUpgrade = range []bool{false, true} {
		r, err := charts.Render(ctx, a, req)
		if req.IsUpgrade && len(in.Lookups) > 0 && open.Refused(err) {
			// It wants what it finds in the cluster only once it is installed: a password it made.
			o.IO.Say("warning: the chart renders as it is installed, and not as it is upgraded without a cluster to look into (%v); what it makes only in an upgrade is not in these rights", err)
			break
		}
		if err != nil {
			return in, err
		}
		in.Rendered = append(in.Rendered, r)
	}
	if o.AskCluster {
		in.Resolve, err = o.resolver()
	}
	return in, err
}

// lookups searches the templates of a chart that is a folder; those in archives below charts/ are
// not searched.
func lookups(a model.Artifact) ([]rbac.Lookup, error) {
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var all []rbac.Lookup
	err = fs.WalkDir(root.FS(), path.Clean(a.Path), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(name, "/templates/") && !strings.HasPrefix(name, "templates/") {
			return err
		}
		text, err := root.ReadFile(name)
		if err == nil {
			all = append(all, rbac.FindLookups(strings.TrimPrefix(name, a.Path+"/"), string(text))...)
		}
		return err
	})
	return all, err
}

// resolver asks the cluster that the flags choose.
func (o *Options) resolver() (rbac.Resolver, error) {
	cluster, err := o.Cluster()
	if err != nil {
		return nil, err
	}
	mapper := cluster.Mapper()
	return func(gvk schema.GroupVersionKind) (rbac.Resource, bool) {
		m, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			return rbac.Resource{}, false
		}
		return rbac.Resource{Group: m.Resource.Group, Name: m.Resource.Resource, Namespaced: m.Scope.Name() == "namespace"}, true
	}, nil
}

func (o *Options) subject(in rbac.Input) rbac.Subject {
	switch {
	case o.User != "":
		return rbac.Subject{Kind: "User", Name: o.User}
	case o.Group != "":
		return rbac.Subject{Kind: "Group", Name: o.Group}
	}
	to := rbac.Subject{Kind: "ServiceAccount", Name: in.Release + "-deploy", Namespace: in.Namespace}
	if ns, name, ok := strings.Cut(o.ServiceAccount, "/"); ok {
		to.Namespace, to.Name = ns, name
	} else if o.ServiceAccount != "" {
		to.Name = o.ServiceAccount
	}
	return to
}
