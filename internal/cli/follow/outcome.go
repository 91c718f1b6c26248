package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	helmfluxcd "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/inspect"
	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/report"
)

// conditionRolledBack is true when a failed upgrade was taken back.
const conditionRolledBack = string(helmfluxcd.ConditionRolledBack)

// Outcome tells how a release ended and gives the error for it: nil when it does well, cli.ErrFailed
// with the failure report on the talk stream when it does not, cli.ErrNo when it was not deployed.
func (f *Follower) Outcome(ctx context.Context, before, v releases.View) error {
	switch v.Status {
	case releases.Healthy, releases.Held, releases.Suspended:
		return nil
	case releases.OutOfSync:
		f.IO.Say("%s still differs from its source: %s", v.Short(), v.Message)
		f.IO.Say("next  fairlead diff %s", v.Short())
		return cli.ErrNo
	}
	failure := &report.Failure{
		Release: v.Short(), After: f.Now().Sub(f.started), From: before.Revision, To: v.Revision, Commit: cmp.Or(v.Attempted, v.Commit, v.Version),
		Next: "fairlead why " + v.Short(),
	}
	if failure.From == failure.To {
		failure.From = 0
	}
	tree, err := f.Inspect.Tree(ctx, &v)
	if err == nil {
		failure.Causes, err = f.Inspect.Causes(ctx, tree)
		for _, n := range tree {
			if n.Health.Status == model.Healthy {
				failure.Counts.Done++
			} else {
				failure.Counts.Failed++
			}
		}
	}
	if c := v.Condition(conditionRolledBack); c != nil && c.Status == "True" {
		failure.Rollback = &report.Rollback{Revision: v.Revision, Status: model.Degraded}
		if inspect.Healthy(tree) {
			failure.Rollback.Status = model.Healthy
		}
	}
	if len(failure.Causes) == 0 {
		failure.Err = errors.New(cmp.Or(v.Message, "no cause is known"))
	}
	fmt.Fprint(f.IO.Err, failure.Text(cli.ReportStyle(f.IO.ErrPaint(), f.IO.Width)))
	return errors.Join(cli.ErrFailed, cli.ErrSilent, err)
}

// Summary is a release in one line: "dev/web is Healthy at 9f3c1ab, revision 3".
func Summary(v releases.View) string {
	s := fmt.Sprintf("%s is %s", v.Short(), v.Status)
	if v.Version != "" {
		s += " at " + v.Version
	}
	if v.Revision > 0 {
		s += fmt.Sprintf(", revision %d", v.Revision)
	}
	return s
}
