package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

// ReasonLetGo is why what the plan would delete stays.
const ReasonLetGo = "kept, for it was there before the release; belongs to nobody then"

// spare takes out of what a plan deletes what the request wants to stay.
func spare(req Request, p model.Plan) model.Plan {
	if len(req.Keep)+len(req.LetGo) == 0 {
		return p
	}
	phases := slices.Clone(p.Phases)
	for i := range phases {
		phases[i] = slices.Clone(phases[i])
		for k := range phases[i] {
			c := &phases[i][k]
			switch {
			case c.Action != model.ActionPrune || c.Unowned:
			case slices.Contains(req.LetGo, c.Key):
				c.Unowned, c.Reason = true, ReasonLetGo
			case slices.Contains(req.Keep, c.Key):
				c.Action, c.Reason = model.ActionUnchanged, plan.ReasonPruneOff
			}
		}
	}
	p.Phases = phases
	return p
}

// Beside are the objects that a release owns beside those of its newest revision's own manifest: what
// left the manifests and was not pruned. A revision of which nothing was applied is passed over.
func (l *Line) Beside(ctx context.Context, rel model.Release, history []model.Record) ([]model.ObjectKey, error) {
	req := Request{Release: rel, History: history}
	last := req.Last()
	if last == nil || last.Status == model.RecordUninstalled {
		return nil, nil
	}
	owned, err := l.inventory(ctx, req)
	if err != nil {
		return nil, err
	}
	last = req.Applied()
	d, err := l.Records[rel.ID.Kind].Recorded(ctx, rel, *last)
	if err != nil {
		return nil, fmt.Errorf("reading what revision %d consists of: %w", last.Revision, err)
	}
	prepared, err := plan.Prepare(rel, d.Rendered.Objects, l.scope(ctx))
	if err != nil {
		return nil, err
	}
	var beside []model.ObjectKey
	for _, o := range owned {
		if !slices.ContainsFunc(prepared, func(p model.Object) bool { return p.Key == o.Key }) {
			beside = append(beside, o.Key)
		}
	}
	return beside, nil
}
