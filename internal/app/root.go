package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	controllercmd "github.com/fairlead-cd/fairlead/internal/cli/controller"
	"github.com/fairlead-cd/fairlead/internal/cli/crds"
	"github.com/fairlead-cd/fairlead/internal/cli/diff"
	"github.com/fairlead-cd/fairlead/internal/cli/down"
	"github.com/fairlead-cd/fairlead/internal/cli/get"
	"github.com/fairlead-cd/fairlead/internal/cli/history"
	"github.com/fairlead-cd/fairlead/internal/cli/info"
	"github.com/fairlead-cd/fairlead/internal/cli/resume"
	"github.com/fairlead-cd/fairlead/internal/cli/rollback"
	"github.com/fairlead-cd/fairlead/internal/cli/status"
	"github.com/fairlead-cd/fairlead/internal/cli/sync"
	"github.com/fairlead-cd/fairlead/internal/cli/up"
	versioncmd "github.com/fairlead-cd/fairlead/internal/cli/version"
	"github.com/fairlead-cd/fairlead/internal/cli/why"
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/render"
)

const rootLong = `Fairlead carries an application from a Git commit to a healthy release in every environment.

Start with: fairlead up (a cluster on this machine with a reference application in it), then
fairlead get.`

// newRoot makes the command tree.
func newRoot(f *cli.Factory, e env) *cobra.Command {
	root := &cobra.Command{
		Use:           "fairlead",
		Short:         "From a Git commit to a healthy release in every environment",
		Long:          rootLong,
		SilenceErrors: true, // cli.Report tells them, once
		SilenceUsage:  true,
		Args:          unknownCommand,

		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.IO.SetColor(f.Global.Color); err != nil {
				return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
			}
			return nil
		},
	}
	root.SetIn(f.IO.In)
	root.SetOut(f.IO.Data()) // help, and scripts for completion
	root.SetErr(f.IO.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
	})
	// A command that only holds others has one usage line, not two.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	addGlobalFlags(root, &f.Global)
	root.AddGroup(
		&cobra.Group{ID: cli.GroupLook, Title: "See how releases stand:"},
		&cobra.Group{ID: cli.GroupAct, Title: "Act on a release:"},
		&cobra.Group{ID: cli.GroupDeploy, Title: "Deploy from here, without a controller:"},
		&cobra.Group{ID: cli.GroupBuild, Title: "Check charts, pipelines and repositories:"},
		&cobra.Group{ID: cli.GroupRun, Title: "Run Fairlead:"},
	)
	root.AddCommand(
		get.NewCmdGet(f, nil),
		status.NewCmdStatus(f, nil),
		why.NewCmdWhy(f, nil),
		diff.NewCmdDiff(f, nil),
		history.NewCmdHistory(f, nil),
		sync.NewCmdSync(f, nil),
		rollback.NewCmdRollback(f, nil),
		resume.NewCmdResume(f, nil),
		up.NewCmdUp(f, e.StateDir, nil),
		info.NewCmdInfo(f, e.StateDir, nil),
		down.NewCmdDown(f, e.StateDir, nil),
		controllercmd.NewCmdController(f, func(ctx context.Context, o *controllercmd.Options) error {
			return runController(ctx, f, e, o)
		}),
		crds.NewCmdCRDs(f, nil),
		versioncmd.NewCmdVersion(f, nil),
		renderWorker(f), exitCodesTopic(), environmentTopic(),
	)
	root.AddCommand(deployCommands(f, e)...)
	root.AddCommand(chartCommands(f, e)...)
	root.AddCommand(ciCommands(f, e)...)
	return root
}

// renderWorker is the hidden command that this binary runs itself as, to render charts in a process
// that can do nothing else.
func renderWorker(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use: "render-worker", Hidden: true, Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error { return render.ServeWorker(f.IO.In, f.IO.Data()) },
	}
}

func addGlobalFlags(root *cobra.Command, g *cli.Global) {
	flags := root.PersistentFlags()
	flags.StringVar(&g.Kubeconfig, "kubeconfig", "", "kubeconfig `file`; default: $KUBECONFIG, the cluster of fairlead up, ~/.kube/config")
	flags.StringVar(&g.Context, "context", "", "`name` of the kubeconfig's context")
	flags.StringVarP(&g.Namespace, "namespace", "n", "", "`namespace` to deploy to; to look at: only releases asked for in, or deployed to, it")
	flags.StringVar(&g.Color, "color", output.ColorAuto, "`when` to use colours: auto, always or never")
	flags.CountVarP(&g.Verbosity, "verbose", "v", "say more; -vv says even more")
}

// unknownCommand refuses what is no command, with what may have been meant.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", near[0])
	}
	return cli.Usagef(cmd.CommandPath(), "unknown command %q%s", args[0], hint)
}
