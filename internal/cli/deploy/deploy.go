// Package deploy is the command that deploys a chart from where it runs, without a controller.
package deploy

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/chartref"
	"github.com/fairlead-cd/fairlead/internal/cli/rollout"
	"github.com/fairlead-cd/fairlead/internal/cli/values"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// OpenFunc opens a chart and makes what deploys it; done removes the copy and ends watches.
type OpenFunc func(ctx context.Context, ask open.Ask) (d *deploy.Deployer, done func(), err error)

// Options of the command.
type Options struct {
	rollout.Options
	Open    OpenFunc
	Chart   open.Ask
	Request deploy.Request
}

// NewCmdDeploy makes the command.
func NewCmdDeploy(f *cli.Factory, open OpenFunc, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Options: rollout.New(f), Open: open}
	var from chartref.Flags
	var given values.Values
	var history int
	cmd := &cobra.Command{
		Use:   "deploy RELEASE CHART",
		Short: "Install or upgrade a chart and wait until it is healthy",
		Long: `Install or upgrade a release and wait until it is healthy: helm upgrade --install --wait and
oc rollout status in one. The plan comes first: what is created, changed, taken over and deleted, field
by field, with the values of Secrets masked. Where the deployment fails, the last lines name the cause:
the object, its events, what it logged; with --atomic the last good revision is then put back, or on a
first install everything removed again that was not there before.

CHART is a folder, a .tgz file, oci://host/path/chart, or NAME with --repo URL. Values take precedence
as with Helm: files in their order, then --set-json, --set, --set-string, --set-file, --set-literal.

Revisions are kept as Helm's: helm list, history, get and rollback work on them, and releases that helm
made are taken over as they are. Nothing is left pending: a run that is killed is finished by the next.
When neither the chart, nor the values, nor an object changed, nothing is done and no revision added.
Hooks run as with Helm. It needs rights in the one namespace: fairlead chart rbac prints them.`,
		Example: cli.Example(`
			fairlead deploy shop ./chart -n prod -f values-prod.yaml --set image.tag=$CI_COMMIT_SHA --atomic
			fairlead deploy shop oci://registry.example.com/charts/shop --version 1.4.2 -n prod --dry-run
			fairlead deploy shop ./chart -n prod --recreate Deployment/shop`),
		GroupID: cli.GroupDeploy,
		Args:    cli.Args(2, 2, "the name of a release and a chart"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Parse(cmd); err != nil {
				return err
			}
			if history < 0 {
				return cli.Usagef(cmd.CommandPath(), "--history-max %d: want a number of revisions, 0 for the default", history)
			}
			layers, err := given.Layers(f.IO.In)
			if err != nil {
				return err
			}
			if o.Chart, err = from.Ask(cmd, args[1], f.IO.In); err != nil {
				return err
			}
			if err := cli.CheckReleaseName(cmd, args[0]); err != nil {
				return err
			}
			ns, err := f.TargetNamespace()
			if err != nil {
				return err
			}
			o.Request.Verb = deploy.VerbDeploy
			o.Request.Release = model.Release{
				ID: deploy.ID(model.KindHelm, ns, args[0]), Name: args[0], Namespace: ns,
				Source: model.Ref{Kind: model.SourceDir, URL: o.Chart.Chart}, Renderer: model.RenderHelm, Values: layers,
				Timeout: o.Timeout, MaxHistory: history, Policy: model.Policy{Automated: true, Prune: true},
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return deployRun(cmd.Context(), o)
		},
	}
	values.AddFlags(cmd, &given)
	chartref.AddFlags(cmd, &from)
	flags := cmd.Flags()
	flags.BoolVar(&o.Request.CreateNamespace, "create-namespace", false, "create the namespace if it does not exist")
	flags.BoolVar(&o.Request.Atomic, "atomic", false, "when it fails, go back to the last good revision, or to nothing where there was no release")
	flags.BoolVar(&o.Request.DryRun, "dry-run", false, "show the plan and stop: nothing is written")
	flags.IntVar(&history, "history-max", 0, fmt.Sprintf("how many revisions to keep (default %d)", defaultHistory))
	flags.StringArrayVar(&o.Request.Recreate, "recreate", nil, "delete this object first, as in `Deployment/web`: for fields that cannot be changed")
	o.AddFlags(cmd)
	return cmd
}

// defaultHistory is Helm's.
const defaultHistory = 10

func deployRun(ctx context.Context, o *Options) error {
	d, done, err := o.Open(ctx, o.Chart)
	if err != nil {
		return o.Refused(o.Request, err)
	}
	defer done()
	return o.Run(ctx, d, o.Request)
}
