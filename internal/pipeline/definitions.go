package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// reasonDefinition is why a definition stays.
const reasonDefinition = "kept, as Helm keeps what is in crds/: deleting it would delete all objects of the kind"

// keepDefinitions takes the CustomResourceDefinitions of a chart's crds/ folder out of what a plan
// deletes: Helm makes them and never deletes them, nor does it record them
// (https://helm.sh/docs/chart_best_practices/custom_resource_definitions). Those among the templates
// are recorded, and are deleted as any object. A rollback, whose manifest has none of them, leaves them
// as they are; when they left the chart, or the release is removed, they are let go.
func (l *Line) keepDefinitions(ctx context.Context, req Request, p model.Plan) (model.Plan, error) {
	recorder := l.Records[req.Release.ID.Kind]
	if recorder == nil || !slices.ContainsFunc(p.Changes(), deletesDefinition) {
		return p, nil
	}
	recorded := map[model.ObjectKey]bool{}
	if last := req.Last(); last != nil && last.Status != model.RecordUninstalled {
		d, err := recorder.Recorded(ctx, req.Release, *last)
		if err != nil && model.KindOf(err) != model.ErrNotFound {
			return p, fmt.Errorf("looking for definitions in revision %d: %w", last.Revision, err)
		}
		for i := range d.Rendered.Objects {
			recorded[d.Rendered.Objects[i].Key] = true
		}
	}
	phases := make([][]model.Change, 0, len(p.Phases))
	for _, phase := range p.Phases {
		phase = slices.Clone(phase)
		for i := range phase {
			if c := &phase[i]; deletesDefinition(*c) && !recorded[c.Key] {
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

func deletesDefinition(c model.Change) bool {
	return c.Action == model.ActionPrune && !c.Unowned && c.Key.Group == "apiextensions.k8s.io" && c.Key.Kind == "CustomResourceDefinition"
}
