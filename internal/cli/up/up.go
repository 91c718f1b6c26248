// Package up is the command that runs everything on this machine.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/info"
	"github.com/fairlead-cd/fairlead/internal/local"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO     *output.Streams
	Local  local.Options
	Detach bool
	Format output.Format
}

var formats = []string{output.FormatTable, output.FormatJSON, output.FormatYAML}

// NewCmdUp makes the command. dir is where everything is kept when no flag says otherwise.
func NewCmdUp(f *cli.Factory, dir string, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO}
	o.Local.Now = f.Now
	var format string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine: cluster, Git server, registry, controller, example",
		Long: `Run a Kubernetes cluster, a Git server, a registry, the controller and a reference application in
three environments (dev, stg, prod) on this machine, listening on loopback only.

It returns (--detach) or says so when the application is healthy in every environment. On Linux as
root with containerd the pods really run; elsewhere the node is simulated, and the output says so.`,
		Example: cli.Example(`
			fairlead up --detach
			fairlead up --node simulated
			fairlead info -o json
			fairlead down`),
		GroupID: cli.GroupRun,
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Format, err = cli.ParseFormat(cmd, format, formats...); err != nil {
				return err
			}
			switch o.Local.Node {
			case "auto", "containerd", "simulated", "none":
			default:
				return cli.Usagef(cmd.CommandPath(), "--node: %q is none of auto, containerd, simulated, none", o.Local.Node)
			}
			if o.Local.Dir, err = filepath.Abs(o.Local.Dir); err != nil {
				return err
			}
			if o.Local.ImageCache != "" {
				if o.Local.ImageCache, err = filepath.Abs(o.Local.ImageCache); err != nil {
					return err
				}
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return upRun(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.Detach, "detach", "d", false, "return when everything is healthy, and let it run in the background")
	flags.StringVar(&o.Local.Dir, "dir", dir, "`folder` that everything is kept in")
	flags.StringVar(&o.Local.Node, "node", "auto", "kind of node: auto, containerd, simulated or none")
	flags.StringVar(&o.Local.BaseImage, "base-image", "", "`image` the reference application is built on; default: one made from Debian's packages")
	flags.StringVar(&o.Local.ImageCache, "image-cache", "", "`folder` that image layers are kept in, shared with other installations; default: one in --dir")
	flags.BoolVar(&o.Local.Databases, "with-databases", false, "also make images of PostgreSQL and Redis, which the reference chart can run, instead of having them pulled")
	flags.IntVar(&o.Local.GitPort, "git-port", 0, "`port` of the Git server; 0 is that of last time, or a free one")
	flags.IntVar(&o.Local.RegistryPort, "registry-port", 0, "`port` of the registry, likewise")
	flags.IntVar(&o.Local.ControllerPort, "controller-port", 0, "`port` of the controller's webhook and metrics, likewise")
	cli.AddFormatFlag(cmd, &format, formats...)
	return cmd
}

func upRun(ctx context.Context, o *Options) error {
	if running, err := local.Read(o.Local.Dir); err == nil {
		return joinRunning(ctx, o, running)
	} else if !errors.Is(err, local.ErrNotRunning) {
		return err
	}
	var err error
	if o.Local.Self, err = os.Executable(); err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if o.Detach {
		return detach(ctx, o)
	}
	o.Local.Say = o.IO.Say
	var told error
	o.Local.Ready = func(i local.Info) {
		told = info.Print(o.IO, o.Format, i)
		o.IO.Say("running; fairlead down stops everything")
	}
	if err := local.Run(ctx, o.Local); err != nil {
		return err
	}
	return told
}

// joinRunning tells of an installation that someone else has started, when it is ready.
func joinRunning(ctx context.Context, o *Options, running local.Info) error {
	o.IO.Say("already running")
	if o.Local.Databases && !running.Databases {
		o.IO.Say("without images of PostgreSQL and Redis: fairlead down, then fairlead up --with-databases makes them")
	}
	if running.Ready {
		return info.Print(o.IO, o.Format, running)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !running.Ready {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if running, err = local.Read(o.Local.Dir); err != nil {
			return fmt.Errorf("waiting until everything is ready: %w", err)
		}
	}
	return printed(o, running)
}

// detach runs the same command in a session of its own, and tells what it says until it is ready.
func detach(ctx context.Context, o *Options) error {
	if err := os.MkdirAll(o.Local.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the local installation: %w", err)
	}
	logPath := filepath.Join(o.Local.Dir, "up.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(o.Local.Self, "up", "--dir", o.Local.Dir, "--node", o.Local.Node, "--base-image", o.Local.BaseImage,
		"--image-cache", o.Local.ImageCache, "--git-port", fmt.Sprint(o.Local.GitPort), "--registry-port", fmt.Sprint(o.Local.RegistryPort),
		"--controller-port", fmt.Sprint(o.Local.ControllerPort), fmt.Sprintf("--with-databases=%t", o.Local.Databases), "--color", "never")
	cmd.Stdout, cmd.Stderr = io.Discard, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting in the background: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tail := &tail{path: logPath}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			tail.show(o.IO)
			if i, err := local.Read(o.Local.Dir); err == nil && i.Ready && isOf(i, cmd.Process.Pid) {
				return printed(o, i)
			}
		case <-ended:
			tail.show(o.IO)
			return fmt.Errorf("starting everything: it ended before it was ready; log: %s", logPath)
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM) // it ends what it started
			<-ended
			return ctx.Err()
		}
	}
}

// printed tells where everything is, and fails when an application is not healthy: everything runs
// on all the same.
func printed(o *Options, i local.Info) error {
	if err := info.Print(o.IO, o.Format, i); err != nil {
		return err
	}
	if len(i.Problems) > 0 {
		return cli.ErrFailed
	}
	return nil
}

// isOf reports whether the state is that of the process started here.
func isOf(i local.Info, pid int) bool {
	return len(i.Processes) > 0 && i.Processes[0].PID == pid
}

// tail shows the complete lines that a file gains.
type tail struct {
	path string
	seen int
}

func (t *tail) show(s *output.Streams) {
	data, err := os.ReadFile(t.path)
	if err != nil || len(data) <= t.seen {
		return
	}
	fresh := string(data[t.seen:])
	end := strings.LastIndexByte(fresh, '\n')
	if end < 0 {
		return
	}
	t.seen += end + 1
	for line := range strings.Lines(fresh[:end+1]) {
		s.Say("%s", strings.TrimRight(line, "\n"))
	}
}
