package rollout

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/report"
)

var web = model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}

// TestScreen shows a run in a build log: the plan, each change once, the way back.
func TestScreen(t *testing.T) {
	k := clitest.Keep()
	s := NewScreen(k.Streams, func() time.Time { return clitest.Now }, deploy.VerbDeploy, "shop/web")
	settled := model.ObjectKey{Kind: "ConfigMap", Namespace: "shop", Name: "same"}
	left := model.ObjectKey{Kind: "ConfigMap", Namespace: "shop", Name: "left"}
	s.Step(deploy.StepPlan)
	s.Planned(model.Plan{Release: deploy.ID(model.KindHelm, "shop", "web"), Phases: [][]model.Change{{
		{Action: model.ActionUpdate, Key: web, Desired: &model.Object{}, Diffs: []model.FieldDiff{{Path: ".spec.replicas", Old: "1", New: "2"}}},
		{Action: model.ActionUnchanged, Key: settled, Desired: &model.Object{}}, {Action: model.ActionUnchanged, Key: left},
	}}})
	s.Step(deploy.StepRun)
	for _, h := range []model.ObjectHealth{
		{Key: settled, Health: model.Health{Status: model.Progressing, Reason: "unchanged"}},
		{Key: web, Health: model.Health{Status: model.Progressing, Reason: "update"}},
		{Key: settled, Health: model.Health{Status: model.Healthy}},
		{Key: web, Health: model.Health{Status: model.Progressing, Message: "1/2 ready"}},
		{Key: web, Health: model.Health{Status: model.Progressing, Message: "1/2 ready"}},
		{Key: web, Health: model.Health{Status: model.Degraded, Message: "0/2 ready"}},
	} {
		s.Progress(h)
	}
	s.Step(deploy.StepRollback)
	s.Progress(model.ObjectHealth{Key: web, Health: model.Health{Status: model.Healthy, Message: "1/1 ready"}})
	s.Finished(deploy.Result{})
	clitest.Golden(t, "log.txt", k.Err.String())
}

func TestExit(t *testing.T) {
	verdict := func(reason string) pipeline.Outcome {
		return pipeline.Outcome{Verdict: model.Verdict{Status: model.Degraded, Reason: reason}, Stage: pipeline.StageHealth}
	}
	at := func(s pipeline.Stage) pipeline.Outcome { return pipeline.Outcome{Stage: s} }
	of := func(kind model.ErrorKind) error { return fmt.Errorf("doing: %w", &model.Error{Kind: kind}) }
	for name, tt := range map[string]struct {
		out  pipeline.Outcome
		err  error
		want int
	}{
		"not healthy":          {verdict("RolloutFailed"), errors.New("no"), cli.ExitFailed},
		"time is up":           {verdict("Timeout"), errors.New("no"), cli.ExitTimeout},
		"still being deleted":  {at(pipeline.StageApply), context.DeadlineExceeded, cli.ExitTimeout},
		"interrupted":          {verdict("Cancelled"), context.Canceled, cli.ExitInterrupted},
		"a template is wrong":  {at(pipeline.StageRender), of(model.ErrInvalid), cli.ExitError},
		"refused by a dry run": {at(pipeline.StagePlan), of(model.ErrInvalid), cli.ExitFailed},
		"no such namespace":    {at(pipeline.StagePlan), of(model.ErrNotFound), cli.ExitError},
		"not reachable":        {at(pipeline.StagePlan), of(model.ErrTransient), cli.ExitError},
		"denied by a dry run":  {at(pipeline.StagePlan), of(model.ErrDenied), cli.ExitDenied},
		"another has it":       {at(pipeline.StagePlan), of(model.ErrConflict), cli.ExitConflict},
		"a hook failed":        {at(pipeline.StageApply), of(model.ErrInvalid), cli.ExitFailed},
		"recorded by another":  {at(pipeline.StageRecord), of(model.ErrConflict), cli.ExitConflict},
	} {
		if got := cli.ExitCode(exit(&deploy.Result{Outcome: tt.out, Err: tt.err})); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}

// TestDocument: a program finds in fields what a person reads in the report.
func TestDocument(t *testing.T) {
	d := newDocument(&deploy.Result{Verb: deploy.VerbDeploy, Err: errors.New("no"), Failure: &report.Failure{
		Release: "shop/web", Next: "correct it", Rollback: &report.Rollback{Kept: []string{"Secret/old"}},
	}})
	if f := d.Failure; f == nil || f.Next != "correct it" || f.Rollback == nil || !f.Rollback.OK || len(f.Rollback.Kept) != 1 {
		t.Errorf("got %+v", d.Failure)
	}
	d = newDocument(&deploy.Result{Verb: deploy.VerbDeploy, Err: errors.New("no"), Failure: &report.Failure{Note: "nothing was changed"}})
	if d.Failure.Note != "nothing was changed" {
		t.Errorf("got %+v", d.Failure)
	}
}
