package releases

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// annotationHandled is where a controller says what it handled last: an Application's status is Argo
// CD's alone.
const annotationHandled = "fairlead.dev/handled"

func viewApplication(app *argo.Application) View {
	v := viewOf(model.KindApplication, app)
	st := app.Status
	v.TargetNamespace = app.Spec.Destination.Namespace
	v.Release = app.Name
	v.Handled = app.Annotations[annotationHandled]
	if src := app.Spec.Source; src != nil {
		if src.Helm != nil && src.Helm.ReleaseName != "" {
			v.Release = src.Helm.ReleaseName
		}
		v.Source = joinWords(src.RepoURL, cmp.Or(src.Chart, src.Path), src.TargetRevision)
	}
	running := st.Sync.Revision
	if n := len(st.History); n > 0 {
		last := st.History[n-1]
		// Argo CD counts from 0; what people are shown and type counts from 1, as Helm does.
		running, v.Revision = last.Revision, int(last.ID)+1
		if st.Sync.Revision != running {
			v.Attempted = st.Sync.Revision
		}
	}
	v.RollingOut = rollingOut(st)
	v.Version = shortVersion(running)
	if isCommit(running) {
		v.Commit = running
	}
	v.ObservedAt = latest(since(st.ReconciledAt), since(st.ObservedAt))
	if op := st.OperationState; op != nil {
		v.ObservedAt = latest(v.ObservedAt, since(op.FinishedAt))
	}
	for _, c := range st.Conditions {
		// Argo's conditions exist while they are true.
		v.Conditions = append(v.Conditions, Condition{Type: c.Type, Status: "True", Message: c.Message, Since: since(c.LastTransitionTime)})
	}
	for _, r := range st.Resources {
		v.Objects = append(v.Objects, model.ObjectKey{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name})
	}
	v.History = applicationHistory(app)
	v.judgeApplication(app)
	if c := v.Condition(argo.ConditionHeldWarning); c != nil {
		v.Conditions = append(v.Conditions, Condition{Type: ConditionHeld, Status: "True", Message: c.Message, Since: c.Since})
	}
	h, err := parseHold(app.Annotations)
	if h != nil && v.spent(h) {
		h = nil
	}
	v.hold(h, err)
	return v
}

// spent reports whether a hold was carried out and ended since: the newest record knows the wish
// and is no rollback.
func (v *View) spent(h *model.Hold) bool {
	n := len(v.History)
	return n > 0 && v.History[n-1].HoldTime == h.Time && v.History[n-1].HoldBy == ""
}

// judgeApplication settles the status: an operation that is under way or went wrong comes before
// health, and health before being out of sync.
func (v *View) judgeApplication(app *argo.Application) {
	st := app.Status
	v.Healthy = st.Health.Status == string(model.Healthy)
	op := st.OperationState
	failure := v.applicationError()
	switch {
	case st.Sync.Status == "" && st.Health.Status == "" && op == nil && failure == nil:
		v.Status, v.Message = Unknown, "not looked at yet: is the controller running?"
	case app.Operation != nil || op != nil && op.Phase == argo.OperationRunning:
		v.Status = Progressing
		if op != nil {
			v.Message = op.Message
		}
	case failure != nil:
		v.Status, v.Reason, v.Message = Failed, failure.Type, failure.Message
	case op != nil && (op.Phase == argo.OperationFailed || op.Phase == argo.OperationError):
		v.Status, v.Reason, v.Message = Failed, string(op.Phase), op.Message
	case st.Health.Status == string(model.Degraded), st.Health.Status == string(model.Progressing),
		st.Health.Status == string(model.Suspended):
		v.Status, v.Message = Status(st.Health.Status), st.Health.Message
	case st.Sync.Status == argo.SyncOutOfSync:
		v.Status, v.Message = OutOfSync, outOfSync(st)
	case st.Health.Status == string(model.Missing):
		v.Status, v.Message = Degraded, cmp.Or(st.Health.Message, "objects are missing")
	case v.Healthy && st.Sync.Status == argo.SyncSynced:
		v.Status, v.Message = Healthy, st.Health.Message
		if v.Message == "" && op != nil {
			v.Message = op.Message
		}
	default:
		v.Status, v.Message = Unknown, st.Health.Message
	}
}

// applicationError is the first condition that is an error; a warning is none.
func (v *View) applicationError() *Condition {
	for i, c := range v.Conditions {
		if strings.HasSuffix(c.Type, "Error") {
			return &v.Conditions[i]
		}
	}
	return nil
}

func outOfSync(st argo.ApplicationStatus) string {
	var names []string
	for _, r := range st.Resources {
		if r.Status == argo.SyncOutOfSync {
			names = append(names, r.Kind+"/"+r.Name)
		}
	}
	const most = 3
	switch n := len(names); {
	case n == 0:
		return "differs from the source"
	case n > most:
		return strings.Join(names[:most], ", ") + ", … differ from the source"
	case n == 1:
		return names[0] + " differs from the source"
	}
	return strings.Join(names, ", ") + " differ from the source"
}

// applicationHistory is status.history, completed by what Fairlead keeps of the newest entry in an
// annotation.
func applicationHistory(app *argo.Application) []model.Record {
	records := []model.Record{}
	entries := app.Status.History
	for i, h := range entries {
		r := model.Record{Revision: int(h.ID) + 1, Status: model.RecordSuperseded, Time: h.DeployedAt.UTC(), Source: revision(h.Revision)}
		if i == len(entries)-1 {
			r.Status = model.RecordDeployed
		}
		records = append(records, r)
	}
	var note model.Record
	if err := json.Unmarshal([]byte(app.Annotations[model.AnnotationNote]), &note); err != nil || note.Revision == 0 {
		return records // there is none, or it is not one of ours
	}
	if n := len(records); n > 0 && records[n-1].Revision == note.Revision {
		records = records[:n-1]
	}
	return append(records, note)
}

// revision is a commit or a chart version, as statuses write either.
func revision(s string) model.Revision {
	if isCommit(s) {
		return model.Revision{Commit: s}
	}
	return model.Revision{Version: s}
}

func latest(times ...time.Time) time.Time {
	var max time.Time
	for _, t := range times {
		if t.After(max) {
			max = t
		}
	}
	return max
}

// joinWords joins what is not empty with spaces.
func joinWords(words ...string) string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// rollingOut reports whether what an operation under way deploys is not the newest of the history: it may
// as well put back what others changed.
func rollingOut(st argo.ApplicationStatus) bool {
	op, n := st.OperationState, len(st.History)
	if op == nil || op.Phase != argo.OperationRunning || op.SyncResult == nil {
		return false
	}
	return n == 0 || st.History[n-1].Revision != op.SyncResult.Revision ||
		!equality.Semantic.DeepEqual(st.History[n-1].Source, op.SyncResult.Source)
}
