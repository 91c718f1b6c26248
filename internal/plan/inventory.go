package plan

import (
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Inventory is what a release owns after a run: prev changed by the results. What failed, was
// skipped or is kept because pruning is off stays as it was recorded; what could not be deleted
// stays too, so that the next run tries again.
func Inventory(prev model.Inventory, results []model.Result) model.Inventory {
	inv := make(model.Inventory, 0, len(prev))
	at := make(map[model.ObjectKey]int, len(prev)) // where in inv
	for _, o := range prev {
		if n, twice := at[o.Key]; twice {
			inv[n] = o
			continue
		}
		at[o.Key] = len(inv)
		inv = append(inv, o)
	}
	gone := map[model.ObjectKey]bool{}
	for i := range results {
		r := &results[i]
		c := &r.Change
		if r.Err != nil || r.Skipped || c.Unowned && c.Action != model.ActionPrune {
			continue
		}
		n, owned := at[c.Key]
		switch c.Action {
		case model.ActionCreate, model.ActionUpdate, model.ActionRepair, model.ActionAdopt:
			o := model.Owned{Key: c.Key, Version: c.Version, Digest: c.Desired.Digest, Fields: r.Fields, Stays: stays(c.Desired)}
			if delete(gone, c.Key); owned {
				inv[n] = o
				continue
			}
			at[c.Key] = len(inv)
			inv = append(inv, o)
		case model.ActionUnchanged:
			if owned && c.Desired != nil {
				inv[n] = unchanged(inv[n], c)
			}
		case model.ActionPrune:
			gone[c.Key] = true
		}
	}
	if len(gone) > 0 {
		inv = slices.DeleteFunc(inv, func(o model.Owned) bool { return gone[o.Key] })
	}
	// What was recorded is in order, so this costs little.
	slices.SortFunc(inv, func(a, b model.Owned) int { return a.Key.Compare(b.Key) })
	return inv
}

// stays is what the record has to say of an object for the day it is not wanted any more.
func stays(o *model.Object) model.Stays {
	switch {
	case o.Lasting:
		return model.StaysAlways
	case o.Expires:
		return model.StaysUntilDone
	case o.Key.Kind == kindCRD && o.Key.Group == groupCRD:
		return model.StaysNever
	}
	return ""
}

// unchanged is what is recorded of an object that no request was sent for. One that is on its way out is
// in the way of the one that is wanted, which is missed when it is gone.
func unchanged(o model.Owned, c *model.Change) model.Owned {
	now := stays(c.Desired) // the chart may have moved it, unchanged
	switch {
	case c.Reason == ReasonTerminating && o.Digest != "" && o.Digest != c.Desired.Digest:
		o.Digest, o.Stays = c.Desired.Digest, ""
	case c.Reason == ReasonTerminating && now == model.StaysUntilDone:
	case now == model.StaysUntilDone && o.Done():
	default:
		o.Stays = now
	}
	return o
}
