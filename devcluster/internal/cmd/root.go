package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/version"

	"github.com/fairlead-cd/fairlead/devcluster/internal/cluster"
)

// startTimeout bounds the starting of a cluster.
const startTimeout = 2 * time.Minute

// options are the flags.
type options struct {
	cluster   cluster.Options
	mirrors   []string
	overlays  []string
	readyFile string
	parent    int
	cleanup   bool
}

// usageError is a mistake of whoever typed the command.
type usageError struct{ error }

// Main runs the command line and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	command := newRoot(stdout, stderr)
	command.SetArgs(args)
	// Kubernetes' packages declare flags of their own for the whole process, which cobra
	// would offer as this command's.
	pflag.CommandLine = pflag.NewFlagSet("fairlead-devcluster", pflag.ContinueOnError)
	err := command.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "fairlead-devcluster: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	o := &options{}
	command := &cobra.Command{
		Use:   "fairlead-devcluster --dir DIR",
		Short: "A Kubernetes cluster in one process, for development and tests",
		Long: `Runs etcd, kube-apiserver, kube-controller-manager, kube-scheduler and a node in one
process until it is told to stop. DIR/kubeconfig reaches it. When the cluster is ready one
line of JSON describes it on stdout. Everything is kept in DIR, and the next start goes on
from there.`,
		Version:       version.Get().GitVersion,
		Args:          func(c *cobra.Command, args []string) error { return asUsage(cobra.NoArgs(c, args)) },
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			o.cluster.Log = stderr
			if o.cleanup {
				return cluster.Cleanup(o.cluster.Dir, stderr)
			}
			return run(c.Context(), o, stdout, stderr)
		},
	}
	command.SetOut(stdout)
	command.SetErr(stderr)
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return asUsage(err) })
	flags := command.Flags()
	flags.StringVar(&o.cluster.Dir, "dir", "", "directory that holds everything the cluster keeps")
	flags.StringVar(&o.cluster.Node, "node", cluster.NodeAuto, "auto, none, simulated or containerd")
	flags.IntVar(&o.cluster.Port, "port", 0, "port of the API server; 0 takes the last one used, or any")
	flags.StringVar(&o.cluster.AuditLog, "audit-log", "", "file for one JSON line a request")
	flags.StringVar(&o.cluster.Authentication, "authentication-config", "", "file with an AuthenticationConfiguration: issuers whose tokens the API server accepts")
	flags.StringVar(&o.cluster.ServiceCIDR, "service-cidr", "10.96.0.0/16", "range of Service addresses")
	flags.StringVar(&o.cluster.PodCIDR, "pod-cidr", "10.244.0.0/16", "range of pod addresses")
	flags.BoolVar(&o.cluster.Fresh, "fresh", false, "forget the data of earlier runs")
	flags.StringArrayVar(&o.mirrors, "registry-mirror", nil, "HOST=URL: take images of HOST from the registry at URL (repeatable)")
	flags.StringArrayVar(&o.overlays, "registry-overlay", nil, "HOST=URL: take images of HOST from the registry at URL if it has them, and from HOST if not (repeatable)")
	flags.StringVar(&o.readyFile, "ready-file", "", "file that gets the line of JSON as well")
	flags.BoolVar(&o.cleanup, "cleanup", false, "only remove what a cluster in DIR that was killed left on the machine")
	flags.IntVar(&o.parent, "parent-pid", 0, "stop when this process ends")
	flags.IntVarP(&o.cluster.Verbosity, "v", "v", 0, "how much the components log to DIR/logs")
	return command
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	var err error
	if o.cluster.RegistryMirrors, err = parseMirrors("--registry-mirror", o.mirrors); err != nil {
		return asUsage(err)
	}
	if o.cluster.RegistryOverlays, err = parseMirrors("--registry-overlay", o.overlays); err != nil {
		return asUsage(err)
	}
	if err := o.cluster.Validate(); err != nil {
		return asUsage(err)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.parent != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() {
			waitProcess(ctx, o.parent)
			cancel()
		}()
	}
	if o.readyFile != "" {
		if err := os.Remove(o.readyFile); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing old ready file: %w", err)
		}
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c, err := cluster.Start(starting, o.cluster)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer c.Stop()
	if err := announce(c.Info(), o.readyFile, stdout); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(stderr, "stopping")
		return nil
	case err := <-c.Failed():
		return err
	}
}

func parseMirrors(flag string, values []string) (map[string]string, error) {
	mirrors := map[string]string{}
	for _, value := range values {
		host, endpoint, found := strings.Cut(value, "=")
		if !found || host == "" || !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
			return nil, fmt.Errorf("parsing %s: %q is not HOST=URL", flag, value)
		}
		mirrors[host] = endpoint
	}
	return mirrors, nil
}

// announce writes the line that says the cluster is ready. The file appears complete.
func announce(info cluster.Info, path string, stdout io.Writer) error {
	line, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("describing the cluster: %w", err)
	}
	line = append(line, '\n')
	if path != "" {
		if err := os.WriteFile(path+".new", line, 0o600); err != nil {
			return fmt.Errorf("writing ready file: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return fmt.Errorf("writing ready file: %w", err)
		}
	}
	if _, err := stdout.Write(line); err != nil {
		return fmt.Errorf("describing the cluster: %w", err)
	}
	return nil
}
