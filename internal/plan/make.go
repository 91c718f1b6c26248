package plan

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Input is everything a plan is made from.
type Input struct {
	Release   model.Release
	Desired   []model.Object                 // as Prepare returned them
	Live      map[model.ObjectKey]model.Live // of Keys, and every object with the release's label
	Inventory model.Inventory                // of the last record; nil before the first
	Prune     bool                           // delete what is no longer desired
	Repair    bool                           // leave alone what is as it was recorded, whatever is desired
}

// Reasons that Make gives; others name the object's state in words.
const (
	ReasonMissing     = "missing in the cluster"
	ReasonDrift       = "changed in the cluster"
	ReasonUnrecorded  = "applied, but not recorded"
	ReasonTerminating = "being deleted; will be created again when it is gone"
	ReasonPruneOff    = "no longer desired; pruning is off"
	ReasonKept        = "no longer desired; kept because of its annotation"
	ReasonObsolete    = "no longer desired"
	ReasonUninstall   = "the release is removed"
	ReasonNamespace   = "the release asks for its namespace"
)

// Make compares what is desired with what is live and recorded. It fails when an object is desired
// twice; a conflict with another release is a change of the plan and no error, so that it can be
// shown.
func Make(in Input) (model.Plan, error) {
	owned := make(map[model.ObjectKey]model.Owned, len(in.Inventory))
	for _, o := range in.Inventory {
		owned[o.Key] = o
	}
	label := in.Release.ID.Label()
	desired := make(map[model.ObjectKey]bool, len(in.Desired))
	steps := make([]step, 0, len(in.Desired)+1)
	for i := range in.Desired {
		o := &in.Desired[i]
		if desired[o.Key] {
			return model.Plan{}, fmt.Errorf("planning %s: %s is desired twice", in.Release.ID, o.Key)
		}
		desired[o.Key] = true
		live, exists := in.Live[o.Key]
		prev, recorded := owned[o.Key]
		c := decide(label, o, known{live, exists, prev, recorded, in.Repair})
		steps = append(steps, step{wave: o.Wave, phase: phaseOf(o.Key), change: c})
	}
	if s, ok := ownNamespace(in, desired, steps); ok {
		steps = append(steps, s)
	}
	phases := ordered(steps)
	phases = append(phases, prunePhases(in, owned, desired)...)
	return model.Plan{Release: in.Release.ID, Phases: phases}, nil
}

// known is what is known of one object.
type known struct {
	live     model.Live
	exists   bool
	prev     model.Owned
	recorded bool
	repair   bool
}

// decide is the list of rules in doc.go.
func decide(label string, o *model.Object, k known) model.Change {
	c := model.Change{Key: o.Key, Version: o.Version, Desired: o, UID: k.live.UID}
	applied := k.recorded && k.prev.Digest != ""
	switch {
	case k.exists && k.live.Release != "" && k.live.Release != label:
		c.Action, c.Reason = model.ActionConflict, "belongs to release "+model.ReleaseOf(k.live.Release)
	case k.exists && k.live.Deleting:
		c.Action, c.Reason = model.ActionUnchanged, ReasonTerminating
	case !k.exists && applied:
		c.Action, c.Reason = model.ActionRepair, ReasonMissing
	case !k.exists && k.recorded:
		c.Action = model.ActionAdopt
	case !k.exists:
		c.Action = model.ActionCreate
	case !applied && k.live.Fields != "":
		c.Action, c.Reason = model.ActionAdopt, ReasonUnrecorded
	case !applied:
		c.Action = model.ActionAdopt
	case k.prev.Digest != o.Digest && !k.repair:
		c.Action = model.ActionUpdate
	case k.prev.Fields != k.live.Fields || k.live.Release != label:
		c.Action, c.Reason = model.ActionRepair, ReasonDrift
	default:
		c.Action = model.ActionUnchanged
	}
	return c
}

// ownNamespace makes the release's namespace when it is asked for, missing and not among the
// desired objects. It belongs to nobody: other releases may live in it.
func ownNamespace(in Input, desired map[model.ObjectKey]bool, steps []step) (step, bool) {
	ns := in.Release.Namespace
	key := namespaceKey(ns)
	if !in.Release.CreateNamespace || ns == "" || desired[key] {
		return step{}, false
	}
	if _, exists := in.Live[key]; exists {
		return step{}, false
	}
	wave := 0
	for _, s := range steps {
		wave = min(wave, s.wave)
	}
	body := []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"` + jsonSafe(ns) + `"}}`)
	o := &model.Object{Key: key, Version: "v1", Body: body, Digest: model.Digest(body)}
	return step{wave: wave, phase: phaseFoundation, change: model.Change{
		Action: model.ActionCreate, Key: key, Version: "v1", Desired: o, Reason: ReasonNamespace, Unowned: true,
	}}, true
}

// jsonSafe drops what a namespace's name cannot have anyway and JSON would need escaped.
func jsonSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
}

// Conflicts are the changes that belong to other releases.
func Conflicts(p model.Plan) []model.Change {
	var out []model.Change
	for _, ph := range p.Phases {
		for _, c := range ph {
			if c.Action == model.ActionConflict {
				out = append(out, c)
			}
		}
	}
	return out
}
