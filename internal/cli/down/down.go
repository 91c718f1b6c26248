// Package down is the command that stops the local installation.
package down

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/local"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Options of the command.
type Options struct {
	IO      *output.Streams
	Dir     string
	Delete  bool
	Timeout time.Duration
}

// NewCmdDown makes the command.
func NewCmdDown(f *cli.Factory, dir string, runF func(context.Context, *Options) error) *cobra.Command {
	o := &Options{IO: f.IO}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop what fairlead up started",
		Long: `Stop what fairlead up started, and leave nothing running. What is in the cluster, the Git
repository and the registry stays for the next fairlead up, unless --delete says otherwise.`,
		GroupID: cli.GroupRun,
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return downRun(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", dir, "`folder` that fairlead up keeps everything in")
	cmd.Flags().BoolVar(&o.Delete, "delete", false, "delete the cluster's data, the Git repository and the registry too")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", time.Minute, "how long it may take")
	return cmd
}

func downRun(ctx context.Context, o *Options) error {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	err = local.Stop(ctx, dir, self)
	switch {
	case errors.Is(err, local.ErrNotRunning):
		o.IO.Say("nothing is running")
	case err != nil:
		return err
	default:
		o.IO.Say("stopped")
	}
	if !o.Delete {
		return nil
	}
	if err := os.RemoveAll(o.Dir); err != nil {
		return fmt.Errorf("deleting %s: %w", o.Dir, err)
	}
	o.IO.Say("deleted %s", o.Dir)
	return nil
}
