package deploy

import (
	"context"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
)

// Drift is what would bring a release back to its newest revision, field by field, or to the one before
// where nothing of the newest came to be applied. It changes nothing.
func (d *Deployer) Drift(ctx context.Context, namespace, name string) (model.Plan, error) {
	history, err := d.Records.History(ctx, namespace, name)
	if err != nil {
		return model.Plan{}, err
	}
	if newest(history) == nil {
		return model.Plan{}, &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRelease", Msg: fmt.Sprintf("there is no release %s/%s", namespace, name)}
	}
	rel := Recorded(namespace, name, history)
	kept, err := d.beside(ctx, rel, history)
	if err != nil {
		return model.Plan{}, err
	}
	req := pipeline.Request{Release: rel, History: history, Mode: pipeline.ModeRollback, Unread: true, Keep: kept}
	req.Target = req.Applied().Revision
	out := d.Line.Preview(ctx, req)
	if out.Err != nil {
		return model.Plan{}, fmt.Errorf("planning %s/%s: %w", namespace, name, out.Err)
	}
	out.Plan.Hooks = nil // nothing is rolled back
	return d.Line.Compare(ctx, rel, out.Plan)
}
