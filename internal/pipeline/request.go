package pipeline

import (
	"context"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Mode says what a run is for.
type Mode string

// The modes.
const (
	ModeUpgrade   Mode = "upgrade"   // to what the source and the values say now
	ModeRepair    Mode = "repair"    // the same objects again, where live ones drifted; no new revision
	ModeRollback  Mode = "rollback"  // to a recorded revision
	ModeUninstall Mode = "uninstall" // to nothing
)

// Request is one run of the line.
type Request struct {
	Release model.Release
	Mode    Mode
	Reason  string          // why, for the record's description
	History []model.Record  // known revisions, oldest first
	Target  int             // ModeRollback: the revision to go back to
	HoldBy  string          // ModeRollback: who goes back; the record holds the release there
	Former  model.Inventory // ModeUpgrade: what the release consisted of under an earlier name, without digests
	Unread  bool            // ModeRollback: source or values cannot be read now; hold against the newest record's inputs
	Gone    bool            // ModeUninstall: wait until every object is gone
	Since   time.Time       // when this rollout began, if an earlier run was cut short; zero is now

	// Keep are objects that stay the release's, and LetGo some that stay but belong to nobody then,
	// where the plan would delete them.
	Keep, LetGo []model.ObjectKey
	// Applying is called with the plan when the hooks before are done, and nothing is applied yet. Its
	// error ends the run. Nil changes nothing.
	Applying func(context.Context, model.Plan) error
	// Waiting is called when everything is written and only waiting is left; the context it
	// returns may end earlier than the run's. Nil changes nothing.
	Waiting func(context.Context) context.Context
	// Drifted is called when others changed objects while the run waits, and says after how long they
	// may be put back; it is asked again then. Nil leaves them to a run to come.
	Drifted func(context.Context) time.Duration
	// Repaired is told what was put back then, and what kept the run from more. May be nil.
	Repaired func([]model.ObjectKey, error)
	// Recording is called when only the record is left to write. May be nil.
	Recording func()
	// Pausing is called before the wait for a hook ("pre-install hook Job/migrate"), or until one is gone,
	// after which the run writes again: a slow hook keeps no other release from its turn. Writing is called
	// where a run writes again after any wait. Either may be nil.
	Pausing func(what string)
	Writing func(context.Context) error
	// Progress is told of each object's result and health as they become known. May be nil.
	Progress func(model.ObjectHealth)

	foreign bool   // of a hook: another tool may have left objects that no watch shows
	event   string // of a hook: Helm's word for the moment it runs in
}

// Last is the newest known revision, or nil.
func (r *Request) Last() *model.Record {
	if len(r.History) == 0 {
		return nil
	}
	return &r.History[len(r.History)-1]
}

// Installing reports whether an upgrade is an install yet, with an install's hooks: no revision since the
// last uninstall became what it should be.
func (r *Request) Installing() bool {
	for i := len(r.History) - 1; i >= 0; i-- {
		switch r.History[i].Status {
		case model.RecordDeployed, model.RecordSuperseded:
			return false
		case model.RecordUninstalled:
			return true
		}
	}
	return true
}

// Applied is the newest known revision that what lives may be of: one whose hook before failed is not. It
// is Last where there is no other.
func (r *Request) Applied() *model.Record {
	for i := len(r.History) - 1; i >= 0; i-- {
		if !r.History[i].Unapplied() {
			return &r.History[i]
		}
	}
	return r.Last()
}

// Stage names where a run failed.
type Stage string

// The stages.
const (
	StageSource Stage = "source"
	StageRender Stage = "render"
	StagePlan   Stage = "plan"
	StageApply  Stage = "apply"
	StageHealth Stage = "health"
	StageRecord Stage = "record"
)

// Outcome is what came of a run: as far as it got, everything each stage found.
type Outcome struct {
	Request  Request
	Artifact model.Artifact
	Inputs   string
	Chart    *model.ChartInfo
	Notes    string // what the chart tells people after a deployment
	Plan     model.Plan
	Results  []model.Result
	Verdict  model.Verdict
	Record   *model.Record // the revision written by this run; nil when none was
	Stage    Stage         // where Err happened
	Err      error
	// RolledBack is the run that went back after this one failed; nil when none did.
	RolledBack *Outcome
	Started    time.Time
	Ended      time.Time

	owned model.Inventory // what the plan was made from
}

// OK reports whether the run did all it was for.
func (o *Outcome) OK() bool { return o.Err == nil && o.Verdict.Status == model.Healthy }

// Inventory is what the release owns after the run: the record's, or what the results say.
func (o *Outcome) Inventory() model.Inventory {
	if o.Record != nil {
		return o.Record.Inventory
	}
	if last := o.Request.Last(); last != nil {
		return last.Inventory
	}
	return nil
}
