package record

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// oneSecond is how exact times in a status are once the API server has stored them.
const oneSecond = time.Second

// ApplicationStatus puts what was observed into the words of Argo CD. When nothing changed the
// result equals prev, so that it need not be written, unless someone asked for the look.
func ApplicationStatus(prev argo.ApplicationStatus, spec argo.ApplicationSpec, o Observed) argo.ApplicationStatus {
	st := *prev.DeepCopy()
	st.Sync = syncStatus(prev.Sync, spec, o)
	st.Health = healthStatus(prev.Health, o)
	if o.Err == nil || o.changed() || len(o.Objects) > 0 {
		st.Resources = resources(o)
	}
	st.History = history(prev.History, spec, o)
	st.OperationState = operation(prev.OperationState, spec, o)
	st.Conditions = applicationConditions(prev.Conditions, o)
	st.SourceType = argo.SourceTypeDirectory
	if o.Last != nil && o.Last.Chart != "" {
		st.SourceType = argo.SourceTypeHelm
	}
	if o.Images != nil {
		st.Summary.Images = o.Images
	}
	if o.Refreshed || !equality.Semantic.DeepEqual(prev, st) {
		now := metav1.NewTime(o.At.UTC().Truncate(oneSecond))
		st.ReconciledAt, st.ObservedAt = &now, &now
	}
	return st
}

// syncStatus is Synced only where the cluster was compared with the source and is as it asks for.
func syncStatus(prev argo.SyncStatus, spec argo.ApplicationSpec, o Observed) argo.SyncStatus {
	st := argo.SyncStatus{
		Status: argo.SyncSynced, Revision: revisionText(o.Attempted),
		ComparedTo: &argo.ComparedTo{
			Source: spec.Source, Sources: spec.Sources, Destination: spec.Destination, IgnoreDifferences: spec.IgnoreDifferences,
		},
	}
	if st.Revision == "" {
		st.Revision = prev.Revision
	}
	switch {
	case o.Err != nil && !o.changed():
		st.Status = argo.SyncUnknown
	case o.Running && o.Last == nil && o.Hook == "": // all of a first revision is applied; what is left is to wait
	case o.Err != nil, o.Held, o.Last == nil, o.Last.Partial, len(o.Drift) > 0, len(o.Pending) > 0:
		st.Status = argo.SyncOutOfSync
	}
	return st
}

func healthStatus(prev argo.HealthStatus, o Observed) argo.HealthStatus {
	h := prev
	h.Status, h.Message = string(o.Health.Status), ""
	if h.Status == "" {
		h.Status = string(model.Missing) // nothing is there yet
		if o.Last != nil {
			h.Status = string(model.Unknown)
		}
	}
	if o.Health.Status != model.Healthy && o.Health.Status != "" {
		_, h.Message = o.failureOfHealth()
	}
	if h.Status != prev.Status {
		now := metav1.NewTime(o.At.UTC().Truncate(oneSecond))
		h.LastTransitionTime = &now
	}
	return h
}

// failureOfHealth is failure without the run's error: an unreadable source makes no pod ill.
func (o *Observed) failureOfHealth() (reason, message string) {
	only := Observed{Causes: o.Causes, Health: o.Health}
	return only.failure(string(o.Health.Status))
}

// resources are the Application's objects in a stable order.
func resources(o Observed) []argo.ResourceStatus {
	versions := map[model.ObjectKey]string{}
	if o.Last != nil {
		for _, owned := range o.Last.Inventory {
			versions[owned.Key] = owned.Version
		}
	}
	pruning := map[model.ObjectKey]bool{}
	differs := map[model.ObjectKey]bool{}
	for _, key := range o.Drift {
		differs[key] = true
	}
	for _, c := range o.Pending {
		if c.Action == model.ActionUnchanged {
			continue
		}
		differs[c.Key] = true
		versions[c.Key] = c.Version
		pruning[c.Key] = c.Action == model.ActionPrune
	}
	for _, r := range o.Results {
		versions[r.Change.Key] = r.Change.Version
		if r.Err != nil || r.Skipped {
			differs[r.Change.Key] = true
		}
	}
	health := map[model.ObjectKey]model.Health{}
	for _, obj := range o.Objects {
		health[obj.Key] = obj.Health
	}
	var out []argo.ResourceStatus
	for _, key := range slices.SortedFunc(maps.Keys(health), model.ObjectKey.Compare) {
		res := argo.ResourceStatus{
			Group: key.Group, Version: versions[key], Kind: key.Kind, Namespace: key.Namespace, Name: key.Name,
			Status: argo.SyncSynced, RequiresPruning: pruning[key],
		}
		if differs[key] {
			res.Status = argo.SyncOutOfSync
		}
		if h := health[key]; h.Status != "" {
			res.Health = &argo.HealthStatus{Status: string(h.Status), Message: shorten(h.Message, maxMessage)}
		}
		out = append(out, res)
	}
	return out
}

// history gains an entry for each revision that was deployed. An entry's ID is one less than the
// revision's number: Argo CD counts from 0.
func history(prev []argo.RevisionHistory, spec argo.ApplicationSpec, o Observed) []argo.RevisionHistory {
	limit := DefaultHistory
	if spec.RevisionHistoryLimit != nil {
		limit = int(*spec.RevisionHistoryLimit)
	}
	out := slices.Clone(prev)
	if o.Last != nil && o.Last.Status == model.RecordDeployed {
		id := int64(o.Last.Revision - 1)
		known := slices.ContainsFunc(out, func(h argo.RevisionHistory) bool { return h.ID >= id })
		if !known {
			out = append(out, argo.RevisionHistory{
				ID: id, Revision: revisionText(o.Last.Source), DeployedAt: metav1.NewTime(o.Last.Time.UTC().Truncate(oneSecond)),
				DeployStartedAt: optionalTime(o.Started), Source: spec.Source, Sources: spec.Sources, InitiatedBy: initiator(o),
			})
		}
	}
	if len(out) > limit {
		out = slices.Clone(out[len(out)-limit:])
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// operation tells of the last run that changed or tried to change something.
func operation(prev *argo.OperationState, spec argo.ApplicationSpec, o Observed) *argo.OperationState {
	if o.Started.IsZero() || !o.Running && len(o.Results) == 0 && (o.Err == nil || !o.changed()) {
		return settled(prev, o)
	}
	revision := revisionText(o.Attempted)
	st := &argo.OperationState{
		Operation: argo.Operation{
			Sync:        &argo.SyncOperation{Revision: revision, Prune: o.Release.Policy.Prune},
			InitiatedBy: initiator(o),
		},
		Phase: argo.OperationSucceeded, Message: "successfully synced (all tasks run)",
		StartedAt: metav1.NewTime(o.Started.UTC().Truncate(oneSecond)), FinishedAt: optionalTime(o.Ended),
		SyncResult: &argo.SyncOperationResult{
			Revision: revision, Source: spec.Source, Sources: spec.Sources, Resources: resourceResults(o.Results),
		},
	}
	if spec.SyncPolicy != nil {
		st.Operation.Sync.SyncOptions = spec.SyncPolicy.SyncOptions
	}
	switch {
	case o.Err != nil:
		_, st.Message = o.failure("SyncError")
		st.Phase = argo.OperationFailed
	case o.Running:
		st.Phase, st.FinishedAt = argo.OperationRunning, nil
		st.Message = "waiting for healthy state"
		switch {
		case o.Hook != "":
			st.Message = "waiting for " + o.Hook
		case o.Health.Message != "":
			st.Message += " of " + o.Health.Message
		}
	case o.failed():
		_, st.Message = o.failure("SyncError")
		st.Phase = argo.OperationFailed
	}
	return st
}

// settled ends an operation whose end was never written because its controller died: what the
// release came to says how it went.
func settled(prev *argo.OperationState, o Observed) *argo.OperationState {
	if prev == nil || prev.Phase != argo.OperationRunning || o.Running || o.Last == nil {
		return prev
	}
	st := prev.DeepCopy()
	st.Phase, st.Message, st.FinishedAt = argo.OperationSucceeded, "successfully synced (all tasks run)", optionalTime(o.At)
	if o.failed() {
		_, st.Message = o.failure("SyncError")
		st.Phase = argo.OperationFailed
	}
	return st
}

// resourceResults tell what was done with each object that was not left as it was.
func resourceResults(results []model.Result) []argo.ResourceResult {
	var out []argo.ResourceResult
	for _, r := range results {
		if r.Change.Action == model.ActionUnchanged && r.Err == nil {
			continue
		}
		key := r.Change.Key
		res := argo.ResourceResult{
			Group: key.Group, Version: r.Change.Version, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name,
			Status: "Synced", Message: verbs[r.Change.Action], HookPhase: argo.OperationRunning, SyncPhase: "Sync",
		}
		switch {
		case r.Err != nil:
			res.Status, res.HookPhase = "SyncFailed", argo.OperationFailed
			res.Message = shorten(r.Err.Error(), maxMessage)
		case r.Skipped:
			res.Status, res.HookPhase, res.Message = "SyncFailed", argo.OperationFailed, "not started"
		case r.Change.Action == model.ActionPrune:
			res.Status, res.HookPhase = "Pruned", argo.OperationSucceeded
		}
		out = append(out, res)
	}
	return out
}

// verbs are kubectl's words for what was done.
var verbs = map[model.Action]string{
	model.ActionCreate: "created", model.ActionUpdate: "configured", model.ActionRepair: "configured (drifted)",
	model.ActionAdopt: "configured (adopted)", model.ActionUnchanged: "unchanged", model.ActionPrune: "pruned",
	model.ActionConflict: "belongs to another release",
}

func applicationConditions(prev []argo.ApplicationCondition, o Observed) []argo.ApplicationCondition {
	var out []argo.ApplicationCondition
	add := func(kind, message string) {
		c := argo.ApplicationCondition{Type: kind, Message: shorten(message, maxMessage)}
		now := metav1.NewTime(o.At.UTC().Truncate(oneSecond))
		c.LastTransitionTime = &now
		for _, p := range prev {
			if p.Type == c.Type && p.Message == c.Message && p.LastTransitionTime != nil {
				c.LastTransitionTime = p.LastTransitionTime
			}
		}
		out = append(out, c)
	}
	if o.Err != nil {
		reason, message := o.failure("")
		switch {
		case reason == "InvalidSpec":
			add(argo.ConditionInvalidSpecError, message)
		case o.changed():
			add(argo.ConditionSyncError, message)
		default:
			add(argo.ConditionComparisonError, message)
		}
	}
	for _, c := range o.Pending {
		if c.Action == model.ActionConflict {
			add(argo.ConditionSharedResourceWarning, fmt.Sprintf("%s: %s", c.Key.Short(), c.Reason))
		}
	}
	if o.Held {
		add(argo.ConditionHeldWarning, o.HeldWhy)
	}
	if len(o.Unsupported) > 0 {
		add(argo.ConditionUnsupportedFieldWarning, unsupportedMessage(o.Unsupported))
	}
	return out
}

func initiator(o Observed) argo.OperationInitiator {
	if o.ByHand != "" {
		return argo.OperationInitiator{Username: o.ByHand}
	}
	return argo.OperationInitiator{Automated: true}
}

func optionalTime(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	at := metav1.NewTime(t.UTC().Truncate(oneSecond))
	return &at
}
