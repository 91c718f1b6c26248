package pipeline

import (
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// reasonDefinition is why a definition stays.
const reasonDefinition = "kept, as Helm keeps what is in crds/: deleting it would delete all objects of the kind"

// keepDefinitions takes what is of a chart's crds/ folder out of what a plan deletes: Helm makes it and
// never deletes it, nor does it record it
// (https://helm.sh/docs/chart_best_practices/custom_resource_definitions). The inventory says which
// objects these are; no source is read, since it may be gone. A CustomResourceDefinition that it says
// nothing of is kept as well. A rollback, whose manifest has none of them, leaves them as they are;
// when they left the chart, or the release is removed, they are let go.
func keepDefinitions(mode Mode, inv model.Inventory, p model.Plan) model.Plan {
	if !deletes(p) {
		return p
	}
	stays := make(map[model.ObjectKey]model.Stays, len(inv))
	for _, o := range inv {
		stays[o.Key] = o.Stays
	}
	phases := make([][]model.Change, 0, len(p.Phases))
	for _, phase := range p.Phases {
		phase = slices.Clone(phase)
		for i := range phase {
			c := &phase[i]
			if c.Action != model.ActionPrune || c.Unowned {
				continue
			}
			if s := stays[c.Key]; s == model.StaysAlways || s == "" && isDefinition(c.Key) {
				c.Unowned, c.Reason = true, reasonDefinition
			}
		}
		if mode == ModeRollback || mode == ModeRepair {
			phase = slices.DeleteFunc(phase, func(c model.Change) bool { return c.Reason == reasonDefinition })
		}
		if len(phase) > 0 {
			phases = append(phases, phase)
		}
	}
	p.Phases = phases
	return p
}

// deletes reports whether a plan deletes anything.
func deletes(p model.Plan) bool {
	return slices.ContainsFunc(p.Phases, func(phase []model.Change) bool {
		for i := range phase {
			if phase[i].Action == model.ActionPrune && !phase[i].Unowned {
				return true
			}
		}
		return false
	})
}

func isDefinition(key model.ObjectKey) bool {
	return key.Group == "apiextensions.k8s.io" && key.Kind == "CustomResourceDefinition"
}
