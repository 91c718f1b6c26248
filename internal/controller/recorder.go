package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// statusRecorder numbers revisions of releases whose history is part of their request's status:
// what it returns is written together with the status, in one request. Their old revisions are
// rendered again from the commit they came from.
type statusRecorder struct {
	now   func() time.Time
	again func(ctx context.Context, rel model.Release) (pipeline.Desired, error)
	// erase removes what is kept of a release that is gone; nil when it went with its request.
	erase func(ctx context.Context, rel model.Release) error
}

func (s statusRecorder) Write(_ context.Context, e record.Entry, history []model.Record) (model.Record, error) {
	rec := e.Record
	rec.Revision, rec.Time = 1, s.now()
	if last := newest(history); last != nil {
		rec.Revision = last.Revision + 1
	}
	return rec, nil
}

func (s statusRecorder) Amend(context.Context, model.Release, model.Record) error {
	return nil // written with the status
}

func (s statusRecorder) Recorded(ctx context.Context, rel model.Release, rec model.Record) (pipeline.Desired, error) {
	if rec.Source.Commit == "" && rec.Source.Version == "" {
		return pipeline.Desired{}, &model.Error{
			Kind: model.ErrNotFound, Reason: "RevisionNotFound",
			Msg: fmt.Sprintf("revision %d does not say which commit it came from", rec.Revision),
		}
	}
	rel.Source.Git = model.GitRef{Commit: rec.Source.Commit}
	rel.Source.Version = rec.Source.Version
	return s.again(ctx, rel)
}

func (s statusRecorder) Owned(context.Context, model.Release, model.Record) (model.Inventory, error) {
	return nil, nil
}

func (s statusRecorder) Hooks(context.Context, model.Release, model.Record) ([]model.Object, error) {
	return nil, nil // Argo CD has no hook for the end of an application but its own
}

func (s statusRecorder) Delete(ctx context.Context, rel model.Release) error {
	if s.erase == nil {
		return nil
	}
	return s.erase(ctx, rel)
}
