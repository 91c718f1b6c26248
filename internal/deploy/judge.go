package deploy

import (
	"fmt"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// patience is how long another tool's unfinished operation is respected: as long as a controller does.
const patience = 10 * time.Minute

// judge says whether a release may be changed from here: nil, or an error of kind Conflict that says
// whose it is and what to do. It is pure.
func judge(id model.ReleaseID, history []model.Record, now time.Time) error {
	for i := len(history) - 1; i >= 0; i-- {
		owner := history[i].Owner
		if owner == "" {
			continue
		}
		if owner == id.String() || history[i].Status == model.RecordUninstalled {
			break
		}
		return owned(id, owner)
	}
	last := newest(history)
	if last != nil && last.Owner == "" && last.Status != model.RecordUninstalled && id.Kind != kindOf(history) {
		return &model.Error{
			Kind: model.ErrConflict, Reason: "Owned", Msg: fmt.Sprintf("release %s/%s is a chart's, made by helm", id.Namespace, id.Name),
			Next: fmt.Sprintf("choose another name with --name, or remove it first: fairlead uninstall %s -n %s", id.Name, id.Namespace),
		}
	}
	if last == nil || !last.Status.Pending() {
		return nil
	}
	age := now.Sub(last.Time)
	if age >= patience {
		return nil // it died; the run supersedes what it left
	}
	return &model.Error{
		Kind: model.ErrConflict, Reason: "ForeignOperation",
		Msg: fmt.Sprintf("release %s/%s is being changed by helm: revision %d is %s since %s (%s)", id.Namespace, id.Name,
			last.Revision, last.Status, last.Time.UTC().Format(time.RFC3339), age.Round(time.Second)),
		Next: fmt.Sprintf("wait until it is done; if that helm died, this command goes on %s after it began, or at once after: helm %s %s -n %s",
			patience, wayOut(last.Status), id.Name, id.Namespace),
	}
}

// wayOut is what helm makes of a release that another helm left pending.
func wayOut(s model.RecordStatus) string {
	if s == model.RecordPendingInstall {
		return "uninstall"
	}
	return "rollback"
}

// owned is the error for a release that someone else asked for.
func owned(id model.ReleaseID, owner string) error {
	e := &model.Error{Kind: model.ErrConflict, Reason: "Owned", Msg: fmt.Sprintf("release %s/%s belongs to %s", id.Namespace, id.Name, owner)}
	other, err := model.ParseReleaseID(owner)
	switch {
	case err == nil && other.Kind == model.KindManifests:
		e.Msg = fmt.Sprintf("release %s/%s is one of plain manifests, made by fairlead apply", id.Namespace, id.Name)
		e.Next = fmt.Sprintf("choose another name, or remove it first: fairlead uninstall %s -n %s", id.Name, id.Namespace)
	case err == nil && other.Kind == model.KindHelm:
		e.Msg = fmt.Sprintf("release %s/%s is a chart's, made by fairlead deploy", id.Namespace, id.Name)
		e.Next = fmt.Sprintf("choose another name with --name, or remove it first: fairlead uninstall %s -n %s", id.Name, id.Namespace)
	default:
		e.Msg += ", which a controller keeps as Git says"
		e.Next = fmt.Sprintf("change it in Git; to deploy it from here instead, delete %s first (where that is gone and no controller is left: helm uninstall %s -n %s)", owner, id.Name, id.Namespace)
	}
	return e
}

// good is the newest revision that was what it should be; 0 when there was none.
func good(history []model.Record) (revision int) {
	for _, rec := range history {
		if rec.Status == model.RecordUninstalled {
			revision = 0 // what was before it is no state to go back to unasked
		}
		if rec.Status == model.RecordDeployed || rec.Status == model.RecordSuperseded {
			revision = rec.Revision
		}
	}
	return revision
}

// target is the revision to go back to: the one asked for, or the newest good one before the current.
func target(id model.ReleaseID, history []model.Record, asked int) (int, error) {
	name := id.Namespace + "/" + id.Name
	last := newest(history)
	if last == nil {
		return 0, &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRelease", Msg: fmt.Sprintf("there is no release %s", name), Next: "fairlead get -n " + id.Namespace}
	}
	found := 0
	for _, rec := range history[:len(history)-1] {
		if asked == 0 && (rec.Status == model.RecordDeployed || rec.Status == model.RecordSuperseded) || rec.Revision == asked {
			found = rec.Revision
		}
	}
	if asked > 0 && asked == last.Revision {
		found = asked // the same again
	}
	if found > 0 {
		return found, nil
	}
	msg := fmt.Sprintf("%s has no good revision before the current one, %d", name, last.Revision)
	if asked > 0 {
		msg = fmt.Sprintf("%s has no revision %d", name, asked)
	}
	return 0, &model.Error{Kind: model.ErrNotFound, Reason: "NoSuchRevision", Msg: msg, Next: fmt.Sprintf("fairlead history %s -n %s", id.Name, id.Namespace)}
}

// settled reports whether the newest revision is what the inputs ask for. One that a rollback made is
// not: its inputs are those that were left.
func settled(last *model.Record, id model.ReleaseID, inputs string) bool {
	return last != nil && last.Status == model.RecordDeployed && last.Owner == id.String() &&
		last.Inputs == inputs && last.HoldBy == "" && !last.Partial
}

// repairs reports whether a plan only puts back what the newest revision made. Equal inputs do not say so:
// what a chart found by lookups, or made at random, is no part of them. Plain manifests do neither: what
// goes with the same ones is asked for by --prune, and the revision's own do not have it.
func repairs(last *model.Record, id model.ReleaseID, p model.Plan) bool {
	made := make(map[model.ObjectKey]string, len(last.Inventory))
	for _, o := range last.Inventory {
		made[o.Key] = o.Digest
	}
	for _, c := range p.Changes() {
		digest, has := made[c.Key]
		switch {
		case c.Desired != nil && !c.Unowned && digest != c.Desired.Digest:
			return false
		case c.Action == model.ActionPrune && has && id.Kind != model.KindManifests:
			return false
		}
	}
	return true
}

func newest(history []model.Record) *model.Record {
	if len(history) == 0 {
		return nil
	}
	return &history[len(history)-1]
}
