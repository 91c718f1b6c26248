package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/cli/inspect"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/record"
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
		Dynamic: c.Dynamic, Metadata: c.Metadata, Now: f.Now, Namespace: f.Global.Namespace,
		Leases: c.Typed.CoordinationV1().Leases(releases.SystemNamespace),
		Note:   func(s string) { f.IO.Say("note: %s", s) },
	}, nil
}

// Inspect gives a reader of what belongs to one release: its history, its objects, their health.
func (f *Factory) Inspect() (*inspect.Reader, error) {
	c, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	return &inspect.Reader{
		Records: record.NewStore(c.Typed.CoreV1().RESTClient(), f.Now),
		Health:  health.NewCluster(c.Typed, c.Dynamic, c.Mapper()),
		Now:     f.Now,
		Namespaced: func(group, kind string) (bool, error) {
			m, err := c.Mapper().RESTMapping(schema.GroupKind{Group: group, Kind: kind})
			if err != nil {
				return false, err
			}
			return m.Scope.Name() == meta.RESTScopeNameNamespace, nil
		},
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
