package controller

import (
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestDecide holds the rules and their order: each case is as the one that runs well, but for what it
// changes.
func TestDecide(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	drift := []model.ObjectKey{{Kind: "Deployment", Name: "web"}, {Kind: "Service", Name: "web"}}
	hold := &model.Hold{Revision: 2, By: "fairlead rollback", Time: "t1"}
	fail := func(o *Observation) { o.Last.Status = model.RecordFailed }
	partial := func(o *Observation) { fail(o); o.Last.Partial = true }
	hook := func(o *Observation) { fail(o); o.Last.HookFailed = true }
	hookBefore := func(o *Observation) { partial(o); o.Last.HookFailed = true }
	foreign := func(o *Observation) {
		own := *o.Last
		o.Own, o.Last = &own, &model.Record{Revision: 4, Status: model.RecordDeployed, Time: now, Description: "Rollback to 2"}
	}
	pending := func(age time.Duration) func(*Observation) {
		return func(o *Observation) {
			foreign(o)
			o.Last.Status, o.Last.Time = model.RecordPendingUpgrade, now.Add(-age)
		}
	}
	heldByHand := func(o *Observation) {
		o.Release.Hold = hold
		o.Last.HoldBy, o.Last.HoldTime = hold.By, hold.Time
	}
	heldByFailure := func(o *Observation) { o.Last.HoldBy = HoldByFailure }
	newInputs := func(o *Observation) { o.Inputs = "new" }
	ask := func(o *Observation) { o.Sync.Requested = true }
	resume := func(o *Observation) { o.Sync = Sync{Requested: true, Resume: true} }
	manual := func(o *Observation) { o.Release.Policy.Automated = false }
	drifts := func(o *Observation) { o.Drift = drift }
	canRollBack := func(o *Observation) { o.Release.Policy.Rollback = true }
	first := func(o *Observation) { o.Last, o.Own, o.Good = nil, nil, 0 }

	type change = func(*Observation)
	for _, c := range []struct {
		name    string
		changes []change
		verb    Verb
		reason  string
		held    bool
	}{
		{"nothing happened", nil, Nothing, "UpToDate", false},
		{"asked, but nothing to repeat", []change{ask}, Nothing, "UpToDate", false},
		{"unhealthy without drift", []change{func(o *Observation) { o.Health = model.Degraded }}, Nothing, "UpToDate", false},

		{"suspended wins over all", []change{func(o *Observation) { o.Release.Suspended = true }, newInputs, drifts, ask}, Nothing, "Suspended", false},

		{"helm at work", []change{pending(time.Minute), newInputs}, Await, "ForeignOperation", false},
		{"helm at work wins over a rollback", []change{pending(time.Minute), func(o *Observation) { o.Release.Hold = hold }}, Await, "ForeignOperation", false},
		{"helm died", []change{pending(foreignPatience), newInputs}, Upgrade, "InputsChanged", false},

		{"rollback asked", []change{func(o *Observation) { o.Release.Hold = hold }}, Rollback, "RollbackRequested", true},
		{"rollback asked after another", []change{heldByHand, func(o *Observation) { o.Last.HoldTime = "t0" }}, Rollback, "RollbackRequested", true},
		{"rollback asked before anything ran", []change{first, func(o *Observation) { o.Release.Hold = hold }}, Upgrade, "Install", false},

		{"helm rollback", []change{foreign}, Nothing, "HeldByHelm", true},
		{"newest record gone", []change{func(o *Observation) { o.Last.Status = model.RecordSuperseded }}, Upgrade, "RecordGone", false},
		{"helm rollback, then new inputs", []change{foreign, newInputs}, Upgrade, "InputsChanged", false},
		{"helm rollback, resumed", []change{foreign, resume}, Upgrade, "InputsChanged", false},

		{"held", []change{heldByHand}, Nothing, "Held", true},
		{"held, and drifted", []change{heldByHand, drifts}, Repair, "Held", true},
		{"held, drifted, not to be healed", []change{heldByHand, drifts, func(o *Observation) { o.Release.Policy.SelfHeal = false }}, Nothing, "Held", true},
		{"held, asked", []change{heldByHand, ask}, Nothing, "Held", true},
		{"held, then new inputs", []change{heldByHand, newInputs}, Upgrade, "InputsChanged", false},
		{"held, resumed", []change{heldByHand, resume}, Upgrade, "InputsChanged", false},
		{"held, annotation taken away", []change{heldByHand, func(o *Observation) { o.Release.Hold = nil }}, Upgrade, "InputsChanged", false},
		{"held after a failure", []change{heldByFailure, canRollBack}, Nothing, "Held", true},
		{"held after a failure, then new inputs", []change{heldByFailure, newInputs}, Upgrade, "InputsChanged", false},
		{"a spent hold holds nothing", []change{func(o *Observation) { o.Release.Hold = hold; o.Last.HoldTime = hold.Time }}, Nothing, "UpToDate", false},

		{"first time", []change{first}, Upgrade, "Install", false},
		{"first time, nobody allowed it", []change{first, manual}, Differ, "OutOfSync", false},
		{"first time, asked", []change{first, manual, ask}, Upgrade, "Install", false},
		{"take over", []change{foreign, func(o *Observation) { o.Own = nil }}, Upgrade, "TakeOver", false},
		{"uninstalled with helm, history kept", []change{func(o *Observation) { o.Last.Status = model.RecordUninstalled }}, Upgrade, "Install", false},

		{"inputs changed", []change{newInputs, drifts, fail}, Upgrade, "InputsChanged", false},
		{"inputs changed, nobody allowed it", []change{newInputs, manual}, Differ, "OutOfSync", false},

		{"renamed", []change{func(o *Observation) { o.Former = []string{"dev/old"} }}, Upgrade, "Renamed", false},
		{"renamed, not everything applied", []change{partial, func(o *Observation) { o.Former = []string{"dev/old"} }}, Upgrade, "Unfinished", false},

		{"asked to try again", []change{fail, ask}, Upgrade, "SyncRequested", false},
		{"asked to try again wins over drift", []change{fail, ask, drifts}, Upgrade, "SyncRequested", false},
		{"asked, and drifted", []change{ask, drifts, manual, func(o *Observation) { o.Release.Policy.SelfHeal = false }}, Repair, "SyncRequested", false},

		{"drifted", []change{drifts}, Repair, "Drifted", false},
		{"drifted, not to be healed", []change{drifts, func(o *Observation) { o.Release.Policy.SelfHeal = false }}, Differ, "Drifted", false},
		{"drift wins over unfinished", []change{drifts, partial}, Repair, "Drifted", false},

		{"unfinished", []change{partial}, Upgrade, "Unfinished", false},
		{"unfinished wins over going back", []change{partial, canRollBack}, Upgrade, "Unfinished", false},
		{"unfinished, nobody allowed it", []change{partial, manual}, Differ, "OutOfSync", false},

		{"a hook failed", []change{hook}, Nothing, "UpToDate", false},
		{"a hook before failed", []change{hookBefore}, Nothing, "UpToDate", false},
		{"a hook failed after a new name", []change{hook, func(o *Observation) { o.Former = []string{"dev/old"} }}, Nothing, "UpToDate", false},
		{"a hook failed, asked", []change{hookBefore, ask}, Upgrade, "SyncRequested", false},
		{"a hook failed, then new inputs", []change{hook, newInputs}, Upgrade, "InputsChanged", false},
		{"a hook failed, and drifted", []change{hookBefore, drifts}, Repair, "Drifted", false},
		{"a hook failed, not gone back yet", []change{hook, canRollBack}, Rollback, "UpgradeFailed", true},
		{"a hook before failed, not gone back yet", []change{hookBefore, canRollBack}, Rollback, "UpgradeFailed", true},

		{"recovered", []change{fail, canRollBack}, Confirm, "Recovered", false},
		{"failed and still unwell", []change{fail, func(o *Observation) { o.Health = model.Degraded }}, Nothing, "UpToDate", false},
		{"failed, not gone back yet", []change{fail, canRollBack, func(o *Observation) { o.Health = model.Degraded }}, Rollback, "UpgradeFailed", true},
		{"failed, nothing to go back to", []change{fail, canRollBack, func(o *Observation) { o.Health, o.Good = model.Degraded, 0 }}, Nothing, "UpToDate", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			last := model.Record{Revision: 3, Status: model.RecordDeployed, Inputs: "in", Owner: "HelmRelease/dev/web", Time: now.Add(-time.Hour)}
			o := Observation{
				Release: model.Release{Policy: model.Policy{Automated: true, SelfHeal: true, Prune: true}},
				Inputs:  "in", Last: &last, Own: &last, Good: 2, Health: model.Healthy, Now: now,
			}
			for _, change := range c.changes {
				change(&o)
			}
			d := Decide(o)
			if d.Verb != c.verb || d.Reason != c.reason || d.Held != c.held {
				t.Errorf("got %s (%s, held %v), want %s (%s, held %v)", d.Verb, d.Reason, d.Held, c.verb, c.reason, c.held)
			}
			if d.Why == "" {
				t.Error("the decision does not say why")
			}
			if d.Verb == Rollback && (d.Target != 2 || d.HoldBy == "") {
				t.Errorf("going back to revision %d, by %q", d.Target, d.HoldBy)
			}
		})
	}
}

// TestAwaitEnds: another tool's operation is waited for no longer than it may take.
func TestAwaitEnds(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := Decide(Observation{Last: &model.Record{Revision: 1, Status: model.RecordPendingInstall, Time: now.Add(-time.Minute)}, Now: now})
	if want := foreignPatience - time.Minute; d.After != want {
		t.Errorf("looks again after %s, want %s", d.After, want)
	}
}
