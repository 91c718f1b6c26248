package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/plan"
)

// asRecorded is what a repair puts back: objects as they were recorded. A rendering is that as long as
// it gives the same bytes again, and costs no request. Where it does not, since a chart makes something
// at random or looks it up, the manifests of the newest revision that was applied and of the newest
// good one are read: putting one object back must not change another. What neither has is left as it
// was rendered.
func (l *Line) asRecorded(ctx context.Context, req Request, rendered []model.Object, owned model.Inventory) ([]model.Object, error) {
	want := make(map[model.ObjectKey]string, len(owned))
	for _, o := range owned {
		want[o.Key] = o.Digest
	}
	objects := make([]model.Object, 0, len(rendered))
	missed := 0
	for _, o := range rendered {
		digest, known := want[o.Key]
		if !known {
			continue // it never was the release's: a repair adds nothing
		}
		if objects = append(objects, o); digest == "" || digest == o.Digest {
			delete(want, o.Key)
		} else {
			missed++
		}
	}
	if len(want) == 0 {
		return objects, nil
	}
	at := make(map[model.ObjectKey]int, missed)
	for i := range objects {
		at[objects[i].Key] = i
	}
	for _, rec := range worthReading(req) {
		d, err := l.Records[req.Release.ID.Kind].Recorded(ctx, req.Release, rec)
		if err != nil {
			return nil, fmt.Errorf("reading what is to be put back: %w", err)
		}
		recorded, err := plan.Prepare(req.Release, d.Rendered.Objects, l.scope(ctx))
		if err != nil {
			return nil, fmt.Errorf("reading what is to be put back: %w", err)
		}
		for _, o := range recorded {
			if digest, missing := want[o.Key]; !missing || digest != o.Digest {
				continue
			}
			delete(want, o.Key)
			if i, has := at[o.Key]; has {
				objects[i] = o
			} else {
				objects = append(objects, o)
			}
		}
		if len(want) == 0 {
			break
		}
	}
	return objects, nil
}

// worthReading are the revisions that what lives may be of.
func worthReading(req Request) []model.Record {
	applied := req.Applied()
	if applied == nil {
		return nil
	}
	revisions := []model.Record{*applied}
	for _, rec := range slices.Backward(req.History) {
		if rec.Revision < applied.Revision && (rec.Status == model.RecordDeployed || rec.Status == model.RecordSuperseded) {
			return append(revisions, rec)
		}
	}
	return revisions
}
