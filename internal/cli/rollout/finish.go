package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/diff"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/report"
)

// Run runs a request, shows it, and gives the error that its exit code is made of.
func (o *Options) Run(ctx context.Context, d *deploy.Deployer, req deploy.Request) error {
	name := req.Release.Namespace + "/" + req.Release.Name
	var more []deploy.Observer
	if o.Observers != nil {
		var err error
		if more, err = o.Observers(o.Reports); err != nil {
			return err
		}
	}
	screen := NewScreen(o.IO, o.Now, req.Verb, name)
	screen.quietPlan = req.DryRun
	// A section of a log begins before what is in it, and ends before what follows.
	res := d.Run(ctx, req, all(append(more, screen)))
	var err error
	switch {
	case o.Format.Structured():
		err = o.Format.Write(o.IO.Out, newDocument(&res))
	case res.DryRun && res.Outcome.Plan.Release != (model.ReleaseID{}):
		_, err = fmt.Fprint(o.IO.Out, diff.Text(name, o.IO.OutPaint(), &res.Outcome.Plan))
	case res.OK():
		err = o.IO.Line(summary(&res, name))
	}
	if err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	if res.OK() {
		if res.Outcome.Notes != "" && !res.Unchanged && !res.DryRun && !o.Format.Structured() {
			fmt.Fprintf(o.IO.Err, "\n%s\n", strings.TrimSpace(output.CleanBlock(res.Outcome.Notes)))
		}
		return nil
	}
	if res.Outcome.Stage == "" && !errors.Is(res.Err, context.Canceled) {
		return res.Err // it did not come to the line: an error as any other
	}
	if !errors.Is(res.Err, context.Canceled) || len(res.Outcome.Results) > 0 {
		fmt.Fprint(o.IO.Err, res.Failure.Text(cli.ReportStyle(o.IO.ErrPaint(), o.IO.Width)))
	}
	return exit(&res)
}

// Refused tells the observers of a run that did not begin, because its input could not be read, and
// gives the error back.
func (o *Options) Refused(req deploy.Request, err error) error {
	if o.Observers == nil {
		return err
	}
	more, failed := o.Observers(o.Reports)
	if failed != nil {
		return failed
	}
	now := o.Now()
	all(more).Finished(deploy.Result{
		Verb: req.Verb, Release: req.Release, DryRun: req.DryRun, Err: err, Started: now, Ended: now,
		Failure: &report.Failure{Release: req.Release.Namespace + "/" + req.Release.Name, Err: err, Note: "nothing was changed", Next: "correct it and run this again"},
	})
	return err
}

// summary is the last line of a run that did what it was for.
func summary(r *deploy.Result, name string) string {
	took := output.Age(r.Ended.Sub(r.Started))
	version := ""
	if c := r.Outcome.Chart; c != nil && c.Version != "0.0.0" {
		version = " (" + c.Name + "-" + c.Version + ")"
	}
	switch {
	case r.Unchanged:
		return fmt.Sprintf("%s is unchanged: revision %d is what was asked for%s", name, r.Revision, version)
	case r.Verb == deploy.VerbUninstall:
		return fmt.Sprintf("%s is uninstalled, after %s", name, took)
	case r.Verb == deploy.VerbRollback:
		return fmt.Sprintf("%s is back at revision %d, as revision %d, healthy after %s", name, r.Outcome.Request.Target, r.Revision, took)
	case r.Outcome.Request.Mode == pipeline.ModeRepair:
		return fmt.Sprintf("%s is as revision %d says again, healthy after %s", name, r.Revision, took)
	}
	return fmt.Sprintf("%s is deployed: revision %d%s, healthy after %s", name, r.Revision, version, took)
}

// exit is the error for a run that failed and was told. What is wrong with the input, before the
// cluster was asked for anything, is no failed deployment.
func exit(r *deploy.Result) error {
	kind := model.KindOf(r.Err)
	out := &r.Outcome
	told := func(err error) error { return errors.Join(err, cli.ErrSilent) }
	switch {
	case errors.Is(r.Err, context.Canceled):
		return context.Canceled
	case out.Verdict.Reason == health.VerdictTimeout, errors.Is(r.Err, context.DeadlineExceeded):
		return told(cli.ErrTimeout)
	case kind == model.ErrDenied, kind == model.ErrConflict:
		return told(r.Err)
	case out.Stage == pipeline.StageSource, out.Stage == pipeline.StageRender:
		return told(r.Err)
	case out.Stage == pipeline.StagePlan && kind != model.ErrInvalid:
		return told(r.Err)
	}
	return told(cli.ErrFailed)
}

// document is what -o json prints of a run.
type document struct {
	cli.Header
	Verb      deploy.Verb          `json:"verb"`
	Release   model.ReleaseID      `json:"release"`
	OK        bool                 `json:"ok"`
	Unchanged bool                 `json:"unchanged,omitempty"`
	DryRun    bool                 `json:"dryRun,omitempty"`
	Before    int                  `json:"revisionBefore,omitempty"`
	Revision  int                  `json:"revision,omitempty"`
	Chart     string               `json:"chart,omitempty"`
	Started   time.Time            `json:"started"`
	Seconds   float64              `json:"seconds"`
	Plan      any                  `json:"plan,omitempty"`
	Objects   []model.ObjectHealth `json:"objects,omitempty"`
	Failure   *failure             `json:"failure,omitempty"`
}

type failure struct {
	Stage    pipeline.Stage `json:"stage,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Message  string         `json:"message"`
	Causes   []model.Cause  `json:"causes,omitempty"`
	Rollback *rollback      `json:"rollback,omitempty"`
	Note     string         `json:"note,omitempty"` // what runs now, where nothing was rolled back
	Next     string         `json:"next,omitempty"`
	Text     string         `json:"text"` // the report, as people read it
}

type rollback struct {
	Revision int      `json:"revision,omitempty"` // none: the release was removed again
	OK       bool     `json:"ok"`
	Message  string   `json:"message,omitempty"`
	Kept     []string `json:"kept,omitempty"` // what was there before the run and stays as it was applied
}

func newDocument(r *deploy.Result) document {
	d := document{
		Header: cli.NewHeader("DeploymentResult"), Verb: r.Verb, Release: r.Release.ID, OK: r.OK(), Unchanged: r.Unchanged, DryRun: r.DryRun,
		Before: r.Before, Revision: r.Revision, Started: r.Started.UTC(), Seconds: r.Ended.Sub(r.Started).Round(time.Millisecond).Seconds(),
		Objects: r.Outcome.Verdict.Objects,
	}
	if c := r.Outcome.Chart; c != nil {
		d.Chart = c.Name + "-" + c.Version
	}
	if r.Outcome.Plan.Release != (model.ReleaseID{}) {
		d.Plan = diff.Document(&r.Outcome.Plan)
	}
	if r.Failure == nil {
		return d
	}
	d.Failure = &failure{
		Stage: r.Outcome.Stage, Reason: reason(r), Message: r.Err.Error(), Causes: r.Outcome.Verdict.Causes,
		Text: r.Failure.Text(report.Style{Width: -1}), Note: r.Failure.Note, Next: r.Failure.Next,
	}
	if b := r.Failure.Rollback; b != nil {
		d.Failure.Rollback = &rollback{Revision: b.Revision, OK: b.Err == nil, Kept: b.Kept}
		if b.Err != nil {
			d.Failure.Rollback.Message = b.Err.Error()
		}
	}
	return d
}

func reason(r *deploy.Result) string {
	if c := r.Outcome.Verdict.Causes; len(c) > 0 {
		return c[0].Reason
	}
	return model.ReasonOf(r.Err, r.Outcome.Verdict.Reason)
}
