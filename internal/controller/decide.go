package controller

import (
	"fmt"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Observation is everything known of a release at the moment of deciding. Gathering it changes
// nothing.
type Observation struct {
	Release model.Release
	Inputs  string        // digest of the inputs as they are now
	Last    *model.Record // newest record; nil when there is none
	Own     *model.Record // newest record that Fairlead made; nil when it made none
	Good    int           // newest revision that was what it should be; 0 when there was none
	Former  []string      // Helm releases it was before its name changed, as namespace/name
	Drift   []model.ObjectKey
	Health  model.HealthStatus // of the live objects, as the watch told last
	Sync    Sync
	Now     time.Time
}

// Sync is a person's wish for a run now.
type Sync struct {
	Requested bool // a sync annotation that has not been handled yet
	Resume    bool // the wish ends a hold
}

// Verb is what to do with a release.
type Verb string

// The verbs.
const (
	Nothing  Verb = "nothing"
	Upgrade  Verb = "upgrade"  // install or upgrade to the inputs
	Repair   Verb = "repair"   // put back what drifted
	Rollback Verb = "rollback" // go to the revision the hold names
	Confirm  Verb = "confirm"  // a failed revision became healthy by itself: record that
	Await    Verb = "await"    // another tool is at work: look again later
	Differ   Verb = "differ"   // differs, but nobody allowed Fairlead to change it
)

// Decision is a verb and why.
type Decision struct {
	Verb   Verb
	Reason string // CamelCase, for conditions and events
	Why    string // one line for people
	Held   bool   // the release is kept away from its inputs
	After  time.Duration
	Target int    // Rollback: the revision to go back to
	HoldBy string // Rollback: who goes back
}

// foreignPatience is how long another tool's unfinished operation is respected. Helm's own
// default timeout is five minutes; an operation older than this died.
const foreignPatience = 10 * time.Minute

// rule looks at one aspect; ok false leaves the decision to the next rule.
type rule func(Observation) (d Decision, ok bool)

// rules are tried in order; the first that speaks decides. The list is the specification.
var rules = []rule{
	suspended,
	otherToolAtWork,
	rollbackAsked,
	foreignRollback,
	held,
	firstTime,
	inputsChanged,
	renamed,
	syncAsked,
	drifted,
	unfinished,
	recovered,
	failedUpgrade,
}

// Decide chooses what to do. It is pure.
func Decide(o Observation) Decision {
	for _, r := range rules {
		if d, ok := r(o); ok {
			return d
		}
	}
	return Decision{Verb: Nothing, Reason: "UpToDate", Why: "inputs and live objects are as recorded"}
}

func suspended(o Observation) (Decision, bool) {
	return Decision{Verb: Nothing, Reason: "Suspended", Why: "the request is suspended"}, o.Release.Suspended
}

// otherToolAtWork waits for a helm command that is under way. One that died leaves its pending
// record for ever; after foreignPatience Fairlead goes on and supersedes it.
func otherToolAtWork(o Observation) (Decision, bool) {
	if o.Last == nil || !o.Last.Status.Pending() {
		return Decision{}, false
	}
	age := o.Now.Sub(o.Last.Time)
	if age >= foreignPatience {
		return Decision{}, false
	}
	return Decision{
		Verb: Await, Reason: "ForeignOperation", After: foreignPatience - age,
		Why: fmt.Sprintf("revision %d is %s by another tool", o.Last.Revision, o.Last.Status),
	}, true
}

// rollbackAsked carries out a hold that has no record yet. A hold whose inputs have changed since
// is spent: the next rules see the new inputs.
func rollbackAsked(o Observation) (Decision, bool) {
	h := o.Release.Hold
	if h == nil || o.Last == nil || o.Last.HoldTime == h.Time {
		return Decision{}, false
	}
	return Decision{
		Verb: Rollback, Reason: "RollbackRequested", Held: true, Target: h.Revision, HoldBy: h.By,
		Why: fmt.Sprintf("%s to revision %d", h.By, h.Revision),
	}, true
}

// foreignRollback respects a revision that someone made with helm on a release Fairlead manages:
// undoing it would make `helm rollback` useless in an emergency. It holds until the inputs change: those
// of the newest own revision, or those that were being rolled out when it was made.
func foreignRollback(o Observation) (Decision, bool) {
	if o.Last == nil || o.Last.Owner != "" || o.Own == nil || o.Sync.Resume {
		return Decision{}, false
	}
	if o.Own.Inputs != o.Inputs && o.Last.Inputs != o.Inputs {
		return Decision{}, false
	}
	why := fmt.Sprintf("revision %d was made with helm", o.Last.Revision)
	if o.Last.Description != "" { // its metadata does not tell
		why += " (" + o.Last.Description + ")"
	}
	return Decision{
		Verb: Nothing, Reason: "HeldByHelm", Held: true, Why: why + "; held until the inputs change or `fairlead resume`",
	}, true
}

// held keeps a rolled-back release where it is: its record says which inputs it was made against.
func held(o Observation) (Decision, bool) {
	if !isHeld(o) {
		return Decision{}, false
	}
	d := Decision{
		Verb: Nothing, Reason: "Held", Held: true,
		Why: fmt.Sprintf("held at revision %d (%s) until the inputs change or `fairlead resume`", o.Last.Revision, o.Last.Description),
	}
	if len(o.Drift) > 0 && o.Release.Policy.SelfHeal {
		d.Verb = Repair
	}
	return d, true
}

func isHeld(o Observation) bool {
	if o.Last == nil || o.Last.HoldBy == "" || o.Last.Inputs != o.Inputs || o.Sync.Resume {
		return false
	}
	// A person's hold ends when its annotation is taken away; one made after a failed upgrade
	// has none and lasts until the inputs change.
	return o.Release.Hold != nil || o.Last.HoldBy == HoldByFailure
}

// HoldByFailure marks the record of a rollback that Fairlead made by itself.
const HoldByFailure = "failed upgrade"

func firstTime(o Observation) (Decision, bool) {
	if o.Last != nil && o.Own != nil && o.Last.Status != model.RecordUninstalled {
		return Decision{}, false
	}
	d := Decision{Verb: Upgrade, Reason: "Install", Why: "no revision of it is recorded yet"}
	if o.Last != nil && o.Last.Status != model.RecordUninstalled {
		d.Reason, d.Why = "TakeOver", fmt.Sprintf("revision %d was made by another tool", o.Last.Revision)
	}
	return automatedOnly(o, d), true
}

func inputsChanged(o Observation) (Decision, bool) {
	if o.Last.Status == model.RecordSuperseded {
		return automatedOnly(o, Decision{
			Verb: Upgrade, Reason: "RecordGone", Why: fmt.Sprintf("the revision after %d is not recorded any more", o.Last.Revision),
		}), true
	}
	if o.Last.Inputs == o.Inputs && o.Last.HoldBy == "" && o.Last.Owner != "" {
		return Decision{}, false
	}
	return automatedOnly(o, Decision{
		Verb: Upgrade, Reason: "InputsChanged", Why: fmt.Sprintf("inputs differ from revision %d", o.Last.Revision),
	}), true
}

// renamed clears away what is left under an earlier name, where the run that took the new name did
// not come to it.
func renamed(o Observation) (Decision, bool) {
	if len(o.Former) == 0 || o.Last.Partial || o.Last.HookFailed {
		return Decision{}, false
	}
	return automatedOnly(o, Decision{
		Verb: Upgrade, Reason: "Renamed", Why: fmt.Sprintf("it was Helm release %s before", o.Former[0]),
	}), true
}

// syncAsked repeats a failed revision when someone asks; a healthy one has nothing to repeat
// unless something drifted.
func syncAsked(o Observation) (Decision, bool) {
	if !o.Sync.Requested {
		return Decision{}, false
	}
	if o.Last.Status == model.RecordFailed {
		return Decision{Verb: Upgrade, Reason: "SyncRequested", Why: "asked to try the failed revision again"}, true
	}
	if len(o.Drift) > 0 {
		return Decision{Verb: Repair, Reason: "SyncRequested", Why: fmt.Sprintf("%d object(s) drifted", len(o.Drift))}, true
	}
	return Decision{}, false
}

func drifted(o Observation) (Decision, bool) {
	if len(o.Drift) == 0 {
		return Decision{}, false
	}
	why := changedInCluster(o.Drift)
	if !o.Release.Policy.SelfHeal {
		return Decision{Verb: Differ, Reason: reasonDrifted, Why: why}, true
	}
	return Decision{Verb: Repair, Reason: reasonDrifted, Why: why}, true
}

const reasonDrifted = "Drifted"

// changedInCluster says in one line what drifted.
func changedInCluster(keys []model.ObjectKey) string {
	if n := len(keys); n > 1 {
		return fmt.Sprintf("%s and %d more were changed in the cluster", keys[0].Short(), n-1)
	}
	return keys[0].Short() + " was changed in the cluster"
}

const reasonUnfinished = "Unfinished"

// unfinished goes on where not every object could be applied: what stood in the way may be gone.
// How often is the engine's business. A hook that failed is run again when someone asks for it, or with
// new inputs: it may have changed what no one sees.
func unfinished(o Observation) (Decision, bool) {
	if o.Last.Status != model.RecordFailed || !o.Last.Partial || o.Last.HookFailed {
		return Decision{}, false
	}
	return automatedOnly(o, Decision{
		Verb: Upgrade, Reason: reasonUnfinished, Why: fmt.Sprintf("not every object of revision %d could be applied", o.Last.Revision),
	}), true
}

// recovered notices that what was recorded as failed has become healthy: a missing Secret came,
// an image was pushed after all. Healthy objects say nothing of a hook that failed.
func recovered(o Observation) (Decision, bool) {
	if o.Last.Status != model.RecordFailed || o.Health != model.Healthy || o.Last.Partial || o.Last.HookFailed {
		return Decision{}, false
	}
	return Decision{Verb: Confirm, Reason: "Recovered", Why: "all objects are healthy now"}, true
}

// failedUpgrade makes up for a rollback that a run did not come to, because it was ended by a newer
// request or with its process.
func failedUpgrade(o Observation) (Decision, bool) {
	if o.Last.Status != model.RecordFailed || !o.Release.Policy.Rollback || o.Good == 0 || o.Last.HoldBy != "" {
		return Decision{}, false
	}
	return Decision{
		Verb: Rollback, Reason: "UpgradeFailed", Held: true, Target: o.Good, HoldBy: HoldByFailure,
		Why: fmt.Sprintf("revision %d failed: back to revision %d", o.Last.Revision, o.Good),
	}, true
}

// automatedOnly turns a change nobody allowed into a report, unless someone asked for it.
func automatedOnly(o Observation, d Decision) Decision {
	if o.Release.Policy.Automated || o.Sync.Requested || o.Sync.Resume {
		return d
	}
	return Decision{Verb: Differ, Reason: "OutOfSync", Why: d.Why}
}
