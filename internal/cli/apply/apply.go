// Package apply is the command that applies plain manifests from where it runs, as one release.
package apply

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/rollout"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// OpenFunc reads manifests and makes what applies them; done ends its watches.
type OpenFunc func(ctx context.Context, files []string, recursive bool) (d *deploy.Deployer, done func(), err error)

// Options of the command.
type Options struct {
	rollout.Options
	Open      OpenFunc
	Files     []string
	Recursive bool
	Request   deploy.Request
}

// NewCmdApply makes the command.
func NewCmdApply(f *cli.Factory, open OpenFunc, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Options: rollout.New(f), Open: open}
	var name string
	var prune bool
	cmd := &cobra.Command{
		Use:   "apply -f FOLDER|FILE",
		Short: "Apply plain manifests and wait until they are healthy",
		Long: `Apply the manifests of a folder or file as one release, and wait until they are healthy: with the
plan first, the progress of each object, and the cause in the last lines where it fails. Objects that
say no namespace go to the one of -n.

What was applied is kept as a release beside Helm's (fairlead history, rollback, status, uninstall and
helm list know it), under the name of the folder or --name. Objects that left the folder since stay,
and are named; --prune deletes them. When nothing changed, nothing is done and no revision added.
Where -f names no object at all, nothing is done either, and that is an error.`,
		Example: cli.Example(`
			fairlead apply -f k8s/ -n dev --prune
			fairlead apply -f pod.yaml -n dev --name fedora --dry-run
			kubectl kustomize overlays/dev | fairlead apply -f - --name shop -n dev`),
		GroupID: cli.GroupDeploy,
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Parse(cmd); err != nil {
				return err
			}
			if name == "" {
				name = named(o.Files)
			}
			switch {
			case len(o.Files) == 0:
				return cli.Usagef(cmd.CommandPath(), "-f is missing: which folder or file?")
			case name == "":
				return cli.Usagef(cmd.CommandPath(), "--name is missing: %s does not say what the release is called", strings.Join(o.Files, ", "))
			}
			if err := cli.CheckReleaseName(cmd, name); err != nil {
				return err
			}
			ns, err := f.TargetNamespace()
			if err != nil {
				return err
			}
			o.Request.Verb = deploy.VerbApply
			o.Request.Release = model.Release{
				ID: deploy.ID(model.KindManifests, ns, name), Name: name, Namespace: ns,
				Source: model.Ref{Kind: model.SourceDir, URL: o.Files[0]}, Renderer: model.RenderPlain,
				TopLevel: !o.Recursive && len(o.Files) == 1, // of several, Open leaves out what lies below
				Timeout:  o.Timeout, Policy: model.Policy{Automated: true, Prune: prune},
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return applyRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.Files, "filename", "f", nil, "`folder` or file with manifests, - for stdin; may be given several times")
	flags.BoolVarP(&o.Recursive, "recursive", "R", false, "folders below too")
	flags.StringVar(&name, "name", "", "`name` of the release; default is the folder's or the file's")
	flags.BoolVar(&prune, "prune", false, "delete what an earlier run applied and is in the folder no longer")
	flags.BoolVar(&o.Request.CreateNamespace, "create-namespace", false, "create the namespace if it does not exist")
	flags.BoolVar(&o.Request.Atomic, "atomic", false, "when it fails, go back to the last good revision, or to nothing where there was no release")
	flags.BoolVar(&o.Request.DryRun, "dry-run", false, "show the plan and stop: nothing is written")
	flags.StringArrayVar(&o.Request.Recreate, "recreate", nil, "delete this object first, as in `Pod/web`: for fields that cannot be changed")
	o.AddFlags(cmd)
	return cmd
}

// unnameable is what the name of a release cannot have.
var unnameable = pattern.New(`[^a-z0-9.-]+`)

// named is the name of a release by where its manifests are; empty where that says nothing.
func named(files []string) string {
	if len(files) != 1 || files[0] == "-" {
		return ""
	}
	at, err := filepath.Abs(files[0])
	if err != nil {
		return ""
	}
	base := strings.ToLower(filepath.Base(at))
	for _, ext := range []string{".yaml", ".yml", ".json"} {
		base = strings.TrimSuffix(base, ext)
	}
	return strings.Trim(unnameable.ReplaceAllString(base, "-"), "-.")
}

func applyRun(ctx context.Context, o *Options) error {
	d, done, err := o.Open(ctx, o.Files, o.Recursive)
	if err != nil {
		return o.Refused(o.Request, err)
	}
	defer done()
	return o.Run(ctx, d, o.Request)
}
