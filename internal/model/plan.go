package model

import "strings"

// Live is what is known of an object in the cluster without reading it again: what the watch
// told last.
type Live struct {
	Key             ObjectKey
	UID             string
	ResourceVersion string
	Release         string // value of LabelRelease; empty when Fairlead never applied it
	Fields          string // digest of the set of fields that Fairlead's manager owns, and AnnotationApplied
	Deleting        bool
	Gone            bool // a Job that completed and was deleted by Kubernetes since
	Keep            bool // an annotation forbids pruning it
	Health          Health
}

// Inventory is what a release owns: one entry for each object it applied.
type Inventory []Owned

// Owned is one object of a release as it was after it was applied.
type Owned struct {
	Key     ObjectKey `json:"key"`
	Version string    `json:"version"`
	Digest  string    `json:"digest"` // of the desired body
	Fields  string    `json:"fields"` // of the owned fields; a difference later is drift
	Stays   Stays     `json:"stays,omitempty"`
}

// Expires reports whether Kubernetes deletes the object by itself some time.
func (o Owned) Expires() bool { return o.Stays == StaysUntilDone || o.Stays == StaysDone }

// Done reports whether the object was seen to do what it is for, so that it may be gone.
func (o Owned) Done() bool { return o.Stays == StaysDone }

// Stays says of an object when it goes, where that is not the ordinary end: pruned when it is not
// wanted any more. It is recorded, since the chart that made the object may be gone by then.
type Stays string

// What may be recorded of an object. Nothing is recorded of an ordinary one, nor by other tools.
const (
	StaysAlways Stays = "always" // of a chart's crds/ folder: it is let go
	StaysNever  Stays = "never"  // a CustomResourceDefinition that is deleted as any object
	// A Job with ttlSecondsAfterFinished, which goes by itself whether it completed or failed.
	StaysUntilDone Stays = "until-done"
	StaysDone      Stays = "done" // such a Job that completed: nobody misses it
)

// Action is what a plan does with one object.
type Action string

// The actions.
const (
	ActionCreate    Action = "create"
	ActionUpdate    Action = "update" // the desired body changed
	ActionRepair    Action = "repair" // the live object drifted
	ActionAdopt     Action = "adopt"  // exists, was made by another tool, becomes ours
	ActionUnchanged Action = "unchanged"
	ActionPrune     Action = "prune"
	ActionConflict  Action = "conflict" // belongs to another release; refused
)

// Change is one step of a plan.
type Change struct {
	Action  Action
	Key     ObjectKey
	Version string
	Desired *Object // nil for prune
	Reason  string  // why, where the action alone does not say
	Diffs   []FieldDiff
	UID     string // prune: of the object that was seen; another one of the same name is spared
	Unowned bool   // made when it is missing, never part of the inventory (CreateNamespace)
}

// FieldDiff is one field that differs. Values of Secrets are masked before they get here.
type FieldDiff struct {
	Path     string `json:"path"` // ".spec.replicas"
	Old, New string // JSON; empty when absent
}

// Plan is everything a run will do, before it does any of it.
type Plan struct {
	Release ReleaseID
	// Phases run one after another; the changes within one run side by side.
	Phases [][]Change
	// Hooks are run before and after the phases, in this order.
	Hooks []HookRun
}

// HookRun is one hook of a chart that a run will run.
type HookRun struct {
	Event  string    `json:"event"` // "pre-upgrade"
	Object ObjectKey `json:"object"`
}

// Changes are all changes in order, unchanged ones included.
func (p *Plan) Changes() []Change {
	var all []Change
	for _, ph := range p.Phases {
		all = append(all, ph...)
	}
	return all
}

// Empty reports whether executing the plan would write nothing.
func (p *Plan) Empty() bool {
	for _, ph := range p.Phases {
		for _, c := range ph {
			if c.Action != ActionUnchanged {
				return false
			}
		}
	}
	return true
}

// Result is what came of one change.
type Result struct {
	Change          Change
	UID             string
	ResourceVersion string // after the write
	Fields          string // digest of the fields owned after the write
	Err             error  // nil on success; a *Error where a cause is known
	Skipped         bool   // not started because an earlier phase failed or the run was cancelled
}

// Disown is the command that takes an object from a release that is gone. Nobody but a person can say
// that it is: it may live in another cluster's Git, or its request be made anew in a moment.
func (c *Change) Disown() string {
	kind := c.Key.Kind
	if g := c.Key.Group; strings.Contains(g, ".") && !strings.HasSuffix(g, ".k8s.io") {
		kind += "." + c.Version + "." + g // another definition may use the same kind
	}
	command := "kubectl label " + kind + " " + c.Key.Name
	if c.Key.Namespace != "" {
		command += " -n " + c.Key.Namespace
	}
	return command + " " + LabelRelease + "-"
}
