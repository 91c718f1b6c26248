package plan

import (
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Inventory is what a release owns after a run: prev changed by the results. What failed, was
// skipped or is kept because pruning is off stays as it was recorded; what could not be deleted
// stays too, so that the next run tries again.
func Inventory(prev model.Inventory, results []model.Result) model.Inventory {
	byKey := make(map[model.ObjectKey]model.Owned, len(prev)+len(results))
	for _, o := range prev {
		byKey[o.Key] = o
	}
	for i := range results {
		r := &results[i]
		c := &r.Change
		if r.Err != nil || r.Skipped || c.Unowned && c.Action != model.ActionPrune {
			continue
		}
		switch c.Action {
		case model.ActionCreate, model.ActionUpdate, model.ActionRepair, model.ActionAdopt:
			byKey[c.Key] = model.Owned{Key: c.Key, Version: c.Version, Digest: c.Desired.Digest, Fields: r.Fields, Stays: stays(c.Desired)}
		case model.ActionUnchanged:
			if o, owned := byKey[c.Key]; owned && c.Desired != nil {
				o.Stays = stays(c.Desired) // the chart may have moved it, unchanged
				byKey[c.Key] = o
			}
		case model.ActionPrune:
			delete(byKey, c.Key)
		}
	}
	inv := make(model.Inventory, 0, len(byKey))
	for _, o := range byKey {
		inv = append(inv, o)
	}
	slices.SortFunc(inv, func(a, b model.Owned) int { return a.Key.Compare(b.Key) })
	return inv
}

// stays is what the record has to say of an object for the day it is not wanted any more.
func stays(o *model.Object) model.Stays {
	switch {
	case o.Lasting:
		return model.StaysAlways
	case o.Key.Kind == kindCRD && o.Key.Group == groupCRD:
		return model.StaysNever
	}
	return ""
}
