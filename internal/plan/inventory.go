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
			byKey[c.Key] = model.Owned{Key: c.Key, Version: c.Version, Digest: c.Desired.Digest, Fields: r.Fields}
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
