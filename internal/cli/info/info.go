// Package info is the command that says where the local installation can be reached.
package info

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/local"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Dir    string
	Format output.Format
}

// document is what -o json prints.
type document struct {
	cli.Header
	local.Info
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// NewCmdInfo makes the command.
func NewCmdInfo(f *cli.Factory, dir string, runF func(*Options) error) *cobra.Command {
	o := &Options{IO: f.IO}
	var format string
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Say where the local cluster, Git, registry and applications can be reached",
		Example: cli.Example(`
			fairlead info
			git clone $(fairlead info -o jsonpath={.git})
			export KUBECONFIG=$(fairlead info -o jsonpath={.kubeconfig})`),
		GroupID: cli.GroupRun,
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			if runF != nil {
				return runF(o)
			}
			running, err := local.Read(o.Dir)
			if err != nil {
				return err
			}
			return Print(o.IO, o.Format, running)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", dir, "`folder` that fairlead up keeps everything in")
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

// Print tells where everything is, to a person or to a program.
func Print(s *output.Streams, format output.Format, i local.Info) error {
	if format.Structured() {
		return format.Write(s.Out, document{cli.NewHeader("LocalInfo"), i})
	}
	var b strings.Builder
	node := i.Node
	if i.Node == "simulated" {
		node += " (no container really runs"
		if i.NodeReason != "" {
			node += ": " + i.NodeReason
		}
		node += ")"
	}
	fmt.Fprintf(&b, "cluster     Kubernetes %s, node %s\n", i.Kubernetes, node)
	fmt.Fprintf(&b, "kubeconfig  %s\ngit         %s\nregistry    %s\nwebhook     %s\nlogs        %s\n", i.Kubeconfig, i.Git, i.Registry, i.Webhook, i.Logs)
	for _, e := range i.Environments {
		url := e.URL
		if url == "" {
			url = "no address: the node is " + i.Node
		}
		fmt.Fprintf(&b, "%-11s %s/%s  %s\n", e.Name, e.Namespace, e.Release, url)
	}
	for _, p := range i.Problems {
		fmt.Fprintf(&b, "\nnot healthy  %s\n", p)
	}
	if i.Ready {
		fmt.Fprintf(&b, `
next
  git clone %s && cd fleet
  sed -i 's/Hello from dev/Good morning/' releases/dev/flask-app.yaml
  git commit -am 'Say good morning' && git push
  fairlead get --watch
`, i.Git)
	} else {
		b.WriteString("\nstill starting\n")
	}
	_, err := s.Out.Write([]byte(b.String()))
	return err
}
