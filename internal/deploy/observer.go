package deploy

import (
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/report"
)

// Verb is what a run is for.
type Verb string

// The verbs.
const (
	VerbDeploy    Verb = "deploy"    // a chart
	VerbApply     Verb = "apply"     // plain manifests
	VerbRollback  Verb = "rollback"  // to an earlier revision
	VerbUninstall Verb = "uninstall" // to nothing
)

// Step is a part of a run, for those who show it in sections.
type Step string

// The steps, in the order they come; a run may end at any of them.
const (
	StepPlan     Step = "plan"     // reading, rendering, comparing
	StepRun      Step = "run"      // hooks, applying, waiting
	StepRollback Step = "rollback" // going back after a failure
)

// Observer is told how a run goes on. Calls come one at a time, in this order: Step, Planned, Step,
// Progress..., Step, Progress..., Finished. Finished always comes, and comes last. Nothing that an
// Observer is told contains the value of a Secret.
type Observer interface {
	// Step says that another part of the run begins, and with it that the one before is over.
	Step(Step)
	// Planned is told of everything the run will do, field by field, before it does any of it.
	Planned(model.Plan)
	// Progress is told of each object's result and health as they become known.
	Progress(model.ObjectHealth)
	// Finished is told what came of it.
	Finished(Result)
}

// Result is what came of a run.
type Result struct {
	Verb    Verb
	Release model.Release
	// Outcome holds the plan, the result of each object, the verdict with its causes, and in
	// RolledBack the run that went back. It is the zero value where the run did not come to the line.
	Outcome pipeline.Outcome
	// Revision is the newest in the history afterwards; 0 is none. Before is what it was.
	Before, Revision int
	// Unchanged: there was nothing to do, and no revision was added. DryRun: nothing was to be done.
	Unchanged, DryRun bool
	// Failure is the report of what failed, and Err the error whose kind says how: both nil when all
	// went well.
	Failure *report.Failure
	Err     error

	Started, Ended time.Time
}

// OK reports whether the run did what it was for.
func (r *Result) OK() bool { return r.Err == nil }
