package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// Reader reads what belongs to a release.
type Reader struct {
	Records records
	Health  health.Reader
	Now     func() time.Time
	// Namespaced says whether objects of a kind live in a namespace.
	Namespaced func(group, kind string) (bool, error)
}

// records is the part of a record.Store that is needed.
type records interface {
	History(ctx context.Context, namespace, name string) ([]model.Record, error)
	Details(ctx context.Context, namespace, name string) ([]model.Record, error)
	Load(ctx context.Context, namespace, name string, revision int) (record.Full, error)
}

// History lists the revisions of a release, oldest first: from Helm's storage, or from the request's
// own status where that is where its kind keeps it.
func (r *Reader) History(ctx context.Context, v *releases.View) ([]model.Record, error) {
	if !v.InHelmStorage() {
		return v.History, nil
	}
	history, err := r.Records.History(ctx, v.TargetNamespace, v.Release)
	if err == nil && slices.ContainsFunc(history, func(rec model.Record) bool { return rec.Description == "" }) {
		// Of what helm made or superseded, only the bulk says which chart it was and why.
		history, err = r.detailed(ctx, v, history)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", v.Short(), err)
	}
	supersede(history)
	return history, nil
}

// supersede marks all deployed revisions but the newest: their own records say so a moment later.
func supersede(history []model.Record) {
	newer := false
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Status != model.RecordDeployed {
			continue
		}
		if newer {
			history[i].Status = model.RecordSuperseded
		}
		newer = true
	}
}

// detailed fills in what the metadata of records does not say.
func (r *Reader) detailed(ctx context.Context, v *releases.View, history []model.Record) ([]model.Record, error) {
	details, err := r.Records.Details(ctx, v.TargetNamespace, v.Release)
	if err != nil {
		return nil, err
	}
	for i := range history {
		for _, d := range details {
			if d.Revision == history[i].Revision {
				history[i].Chart, history[i].AppVersion, history[i].Description, history[i].Time = d.Chart, d.AppVersion, d.Description, d.Time
			}
		}
	}
	return history, nil
}

// owned is what a release consists of, in the order it was applied. A release that was never deployed
// has nothing.
func (r *Reader) owned(ctx context.Context, v *releases.View) (model.Inventory, error) {
	if v.Objects != nil {
		inv := make(model.Inventory, len(v.Objects))
		for i, key := range v.Objects {
			inv[i].Key = key
		}
		return inv, nil
	}
	history, err := r.History(ctx, v)
	if err != nil {
		return nil, err
	}
	if len(history) == 0 {
		return nil, nil
	}
	last := history[len(history)-1]
	inventory := last.Inventory
	if inventory == nil && v.InHelmStorage() {
		// Another tool wrote it, or it is too large for an annotation: the record says what it consists of.
		full, err := r.Records.Load(ctx, v.TargetNamespace, v.Release, last.Revision)
		if err != nil {
			return nil, fmt.Errorf("reading revision %d of %s: %w", last.Revision, v.Short(), err)
		}
		if inventory, err = full.Objects(); err != nil {
			return nil, fmt.Errorf("reading what revision %d of %s consists of: %w", last.Revision, v.Short(), err)
		}
	}
	return r.inNamespace(inventory, v.TargetNamespace)
}

// inNamespace adds the namespace that a manifest leaves out. What Fairlead applied, which has a digest,
// is where it says.
func (r *Reader) inNamespace(inv model.Inventory, namespace string) (model.Inventory, error) {
	inv = slices.Clone(inv)
	for i := range inv {
		k := inv[i].Key
		if k.Namespace != "" || inv[i].Digest != "" {
			continue
		}
		namespaced, err := r.Namespaced(k.Group, k.Kind)
		if err != nil {
			return nil, fmt.Errorf("asking whether %s lives in a namespace: %w", k, err)
		}
		if namespaced {
			inv[i].Key.Namespace = namespace
		}
	}
	return inv, nil
}

// Tree is the release's objects with their health and what belongs to them, without those that are
// gone as they should be.
func (r *Reader) Tree(ctx context.Context, v *releases.View) ([]health.Node, error) {
	owned, err := r.owned(ctx, v)
	if err != nil {
		return nil, err
	}
	keys := make([]model.ObjectKey, len(owned))
	done := map[model.ObjectKey]bool{}
	for i, o := range owned {
		keys[i] = o.Key
		done[o.Key] = o.Done()
	}
	return slices.DeleteFunc(health.Tree(ctx, r.Health, keys), func(n health.Node) bool {
		return n.Health.Status == model.Missing && done[n.Key]
	}), nil
}

// Causes names why objects of the tree are not healthy. The error says that something needed could
// not be read; causes found all the same are returned with it.
func (r *Reader) Causes(ctx context.Context, tree []health.Node) ([]model.Cause, error) {
	keys := make([]model.ObjectKey, len(tree))
	for i, n := range tree {
		keys[i] = n.Key
	}
	var causes []model.Cause
	var failed error
	for _, n := range tree {
		if n.Health.Status == model.Healthy || n.Health.Status == model.Suspended {
			continue
		}
		found, err := health.Diagnose(ctx, r.Health, n.Key, health.Options{Release: keys, Now: r.Now()})
		causes = append(causes, found...)
		if err != nil && failed == nil {
			failed = fmt.Errorf("looking for the cause of %s: %w", n.Key.Short(), err)
		}
	}
	slices.SortStableFunc(causes, func(a, b model.Cause) int {
		switch {
		case a.Final == b.Final:
			return 0
		case a.Final:
			return -1
		}
		return 1
	})
	return causes, failed
}

// Healthy reports whether all objects of the tree are healthy.
func Healthy(tree []health.Node) bool {
	return !slices.ContainsFunc(tree, func(n health.Node) bool {
		return n.Health.Status != model.Healthy && n.Health.Status != model.Suspended
	})
}
