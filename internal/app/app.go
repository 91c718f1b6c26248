package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli"
	_ "github.com/fairlead-cd/fairlead/internal/headstart"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Main runs the program and gives its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interruption ends what does not heed the first
	e := readEnv(os.Getenv)
	return run(ctx, os.Args[1:], e, output.NewStreams(os.Stdin, os.Stdout, os.Stderr, e.Output))
}

// run is Main with everything that comes from outside handed in.
func run(ctx context.Context, args []string, e env, streams *output.Streams) int {
	f := newFactory(e, streams)
	root := newRoot(f, e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		// Whatever an interrupted request said, the reason is that someone interrupted it.
		err = context.Canceled
	}
	return cli.Report(streams, err)
}

// newFactory makes what commands work with. Clients are made when a command asks for them.
func newFactory(e env, streams *output.Streams) *cli.Factory {
	f := &cli.Factory{IO: streams, Build: readBuild(), Now: time.Now, User: e.User}
	f.Cluster = func() (*cli.Cluster, error) {
		return cli.Connect(cli.Kubeconfigs{
			Explicit: f.Global.Kubeconfig, Context: f.Global.Context, Files: e.kubeconfigFiles(),
			Verbosity: f.Global.Verbosity,
		}, "fairlead/"+f.Build.Version, streams.Err)
	}
	f.Plan = planner(f, e)
	wireDeployments(f, e)
	wireObservers(f, e)
	return f
}
