package plan

import (
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// prunePhases are the objects that the release has and no longer wants, in the reverse of the order
// they were applied in. With pruning off they stay in the plan as unchanged, so that they are told.
func prunePhases(in Input, owned map[model.ObjectKey]model.Owned, desired map[model.ObjectKey]bool) [][]model.Change {
	var steps []step
	for _, v := range obsolete(in.Release.ID.Label(), owned, in.Live, desired) {
		c := v
		if c.Action == model.ActionPrune && !c.Unowned {
			c.Reason = ReasonObsolete
			if !in.Prune {
				c.Action, c.Reason = model.ActionUnchanged, ReasonPruneOff
			}
		}
		steps = append(steps, step{phase: phaseOf(c.Key), change: c})
	}
	phases := ordered(steps)
	slices.Reverse(phases)
	return phases
}

// Uninstall plans the removal of everything a release has: what its inventory names and what
// carries its label, except objects whose annotations say that they are to be kept. Those lose the
// label, so that another release can have them.
func Uninstall(r model.Release, inv model.Inventory, live map[model.ObjectKey]model.Live) model.Plan {
	owned := make(map[model.ObjectKey]model.Owned, len(inv))
	for _, o := range inv {
		owned[o.Key] = o
	}
	var steps []step
	for _, c := range obsolete(r.ID.Label(), owned, live, nil) {
		if !c.Unowned {
			c.Reason = ReasonUninstall
		}
		steps = append(steps, step{phase: phaseOf(c.Key), change: c})
	}
	phases := ordered(steps)
	slices.Reverse(phases)
	return model.Plan{Release: r.ID, Phases: phases}
}

// obsolete are the prune changes for all objects that are the release's and not desired.
//
// The label alone does not make an object ours: controllers copy labels (a Service's go to its
// EndpointSlices). Only where we own fields too was it applied by us. An object of the inventory
// that no watch shows is planned as well: its label may have been taken off, or it came from
// another tool's record; apply looks before it deletes.
func obsolete(label string, owned map[model.ObjectKey]model.Owned, live map[model.ObjectKey]model.Live, desired map[model.ObjectKey]bool) []model.Change {
	var out []model.Change
	for key, o := range owned {
		if desired[key] {
			continue
		}
		l, exists := live[key]
		if exists && l.Release != "" && l.Release != label {
			continue // it went to another release
		}
		out = append(out, pruneChange(key, o.Version, l, exists))
	}
	for key, l := range live {
		if _, has := owned[key]; has || desired[key] || l.Release != label || l.Fields == "" {
			continue
		}
		out = append(out, pruneChange(key, "", l, true))
	}
	return out
}

func pruneChange(key model.ObjectKey, version string, l model.Live, exists bool) model.Change {
	c := model.Change{Action: model.ActionPrune, Key: key, Version: version, UID: l.UID}
	if exists && l.Keep {
		c.Unowned, c.Reason = true, ReasonKept
	}
	return c
}
