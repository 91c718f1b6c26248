package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// reasonDefinition is why a definition stays.
const reasonDefinition = "kept, as Helm keeps what is in crds/: deleting it would delete all objects of the kind"

// keepDefinitions takes what is of a chart's crds/ folder out of what a plan deletes: Helm makes it and
// never deletes it, nor does it record it
// (https://helm.sh/docs/chart_best_practices/custom_resource_definitions). The inventory says which
// objects these are; no source is read, since it may be gone. Of a CustomResourceDefinition that it says
// nothing of, the recorded manifest tells, which has none of crds/; where there is none either, it is
// kept. A rollback, whose manifest has none of them, leaves them as they are; when they left the chart,
// or the release is removed, they are let go.
func (l *Line) keepDefinitions(ctx context.Context, req Request, inv model.Inventory, p model.Plan) (model.Plan, error) {
	stays, err := l.stays(ctx, req, inv, p)
	if err != nil {
		return p, err
	}
	phases := make([][]model.Change, 0, len(p.Phases))
	for _, phase := range p.Phases {
		phase = slices.Clone(phase)
		for i := range phase {
			if c := &phase[i]; deletes(*c) && (stays[c.Key] == model.StaysAlways || isDefinition(c.Key) && stays[c.Key] == "") {
				c.Unowned, c.Reason = true, reasonDefinition
			}
		}
		if req.Mode == ModeRollback || req.Mode == ModeRepair {
			phase = slices.DeleteFunc(phase, func(c model.Change) bool { return c.Reason == reasonDefinition })
		}
		if len(phase) > 0 {
			phases = append(phases, phase)
		}
	}
	p.Phases = phases
	return p, nil
}

// stays is what is known of the objects that a plan deletes.
func (l *Line) stays(ctx context.Context, req Request, inv model.Inventory, p model.Plan) (map[model.ObjectKey]model.Stays, error) {
	stays := map[model.ObjectKey]model.Stays{}
	for _, o := range inv {
		stays[o.Key] = o.Stays
	}
	unknown := slices.ContainsFunc(p.Changes(), func(c model.Change) bool {
		return deletes(c) && isDefinition(c.Key) && stays[c.Key] == ""
	})
	last, recorder := req.Last(), l.Records[req.Release.ID.Kind]
	if !unknown || recorder == nil || last == nil || last.Status == model.RecordUninstalled {
		return stays, nil
	}
	manifest, err := recorder.Owned(ctx, req.Release, *last)
	if err != nil && model.KindOf(err) != model.ErrNotFound {
		return nil, fmt.Errorf("looking for definitions in revision %d: %w", last.Revision, err)
	}
	for _, o := range manifest {
		if isDefinition(o.Key) && stays[o.Key] == "" {
			stays[o.Key] = model.StaysNever
		}
	}
	return stays, nil
}

func deletes(c model.Change) bool { return c.Action == model.ActionPrune && !c.Unowned }

func isDefinition(key model.ObjectKey) bool {
	return key.Group == "apiextensions.k8s.io" && key.Kind == "CustomResourceDefinition"
}
