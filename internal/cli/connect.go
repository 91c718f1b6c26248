package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/cli/releases"
)

// completionTimeout is how long a shell waits for names.
const completionTimeout = 3 * time.Second

// Releases gives a reader of the cluster's releases.
func (f *Factory) Releases() (*releases.Reader, error) {
	c, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	return &releases.Reader{
		Dynamic: c.Dynamic, Metadata: c.Metadata, Now: f.Now,
		Leases: c.Typed.CoordinationV1().Leases(releases.SystemNamespace),
		Note:   func(s string) { f.IO.Say("note: %s", s) },
	}, nil
}

// ParseName reads the release that a command was asked about.
func (f *Factory) ParseName(cmd *cobra.Command, text string) (releases.Name, error) {
	n, err := releases.ParseName(text, f.Global.Namespace)
	if err != nil {
		return n, &UsageError{Command: cmd.CommandPath(), Err: err}
	}
	return n, nil
}

// CompleteRelease offers the releases of the cluster to the shell. A cluster that does not answer
// offers nothing: a shell is no place for an error.
func (f *Factory) CompleteRelease(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r, err := f.Releases()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r.Note = nil
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	all, err := r.List(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, v := range all {
		if releases.InNamespace(v, f.Global.Namespace) {
			names = append(names, v.Short()+"\t"+string(v.Kind)+", "+string(v.Status))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
