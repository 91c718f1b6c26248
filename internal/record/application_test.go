package record

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

var appSpec = argo.ApplicationSpec{
	Source:      &argo.ApplicationSource{RepoURL: "https://example.com/x.git", Path: "app"},
	Destination: argo.ApplicationDestination{Namespace: "dev"},
}

func TestApplicationStatus(t *testing.T) {
	service := model.ObjectKey{Kind: "Service", Namespace: "dev", Name: "api"}
	objects := []model.ObjectHealth{{Key: deployment, Health: healthy}, {Key: service, Health: healthy}}
	run := Observed{Started: noon, Ended: noon.Add(3 * time.Second)}
	tests := []struct {
		name               string
		seen               Observed
		sync, health       string
		operation, message string
		conditions         []string
		outOfSync          []string
	}{
		{
			name: "deployed and healthy",
			seen: Observed{
				Last: deployed, Attempted: commit, Health: healthy, Objects: objects, Started: run.Started, Ended: run.Ended,
				Results: []model.Result{{Change: model.Change{Action: model.ActionCreate, Key: deployment, Version: "v1"}}},
			},
			sync: "Synced", health: "Healthy", operation: "Succeeded", message: "successfully synced (all tasks run)",
		},
		{
			name: "differences nobody allowed to apply",
			seen: Observed{
				Attempted: commit, Health: model.Health{Status: model.Missing},
				Objects: []model.ObjectHealth{{Key: deployment, Health: model.Health{Status: model.Missing}}},
				Pending: []model.Change{{Action: model.ActionCreate, Key: deployment, Version: "v1"}},
			},
			sync: "OutOfSync", health: "Missing", outOfSync: []string{"Deployment/api"},
		},
		{
			name: "drifted",
			seen: Observed{Last: deployed, Attempted: commit, Health: healthy, Objects: objects, Drift: []model.ObjectKey{service}},
			sync: "OutOfSync", health: "Healthy", outOfSync: []string{"Service/api"},
		},
		{
			name: "the source cannot be read",
			seen: Observed{
				Last: deployed, Health: healthy, Objects: objects, Stage: "source",
				Err: &model.Error{Kind: model.ErrTransient, Reason: "Unreachable", Msg: "no route"},
			},
			sync: "Unknown", health: "Healthy", conditions: []string{"ComparisonError: no route"},
		},
		{
			name: "an apply that failed",
			seen: Observed{
				Last: &model.Record{Revision: 3, Status: model.RecordFailed, Partial: true}, Attempted: commit, Health: degraded,
				Objects: objects, Stage: "apply", Err: errors.New("Deployment/api: denied"), Started: run.Started, Ended: run.Ended,
				Results: []model.Result{{Change: model.Change{Action: model.ActionUpdate, Key: deployment}, Err: errors.New("denied")}},
			},
			sync: "OutOfSync", health: "Degraded", operation: "Failed", message: "Deployment/api: denied",
			conditions: []string{"SyncError: Deployment/api: denied"}, outOfSync: []string{"Deployment/api"},
		},
		{
			name: "waiting",
			seen: Observed{
				Last: deployed, Attempted: commit, Running: true, Health: model.Health{Status: model.Progressing, Message: "Deployment/api: 1/3 ready"},
				Objects: objects, Started: run.Started,
			},
			sync: "Synced", health: "Progressing", operation: "Running", message: "waiting for healthy state of Deployment/api: 1/3 ready",
		},
		{
			name: "waiting for the first time",
			seen: Observed{
				Attempted: commit, Running: true, Install: true, Health: model.Health{Status: model.Progressing, Message: "Deployment/api: 0/3 ready"},
				Objects: objects, Started: run.Started,
			},
			sync: "Synced", health: "Progressing", operation: "Running", message: "waiting for healthy state of Deployment/api: 0/3 ready",
		},
		{
			name: "held, with a field that is not acted upon",
			seen: Observed{
				Last: deployed, Attempted: commit, Health: healthy, Objects: objects, Held: true, HeldWhy: "held at revision 1",
				Unsupported: []string{"spec.x"},
			},
			sync: "OutOfSync", health: "Healthy",
			conditions: []string{"HeldWarning: held at revision 1", "UnsupportedFieldWarning: Not acted upon: spec.x"},
		},
		{
			name: "a wrong spec",
			seen: Observed{Stage: "source", Err: &model.Error{Kind: model.ErrInvalid, Reason: "InvalidSpec", Msg: "spec.source is missing"}},
			sync: "Unknown", health: "Missing", conditions: []string{"InvalidSpecError: spec.source is missing"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.seen.Release, tt.seen.At = theRelease, noon
			st := ApplicationStatus(argo.ApplicationStatus{}, appSpec, tt.seen)
			if string(st.Sync.Status) != tt.sync || st.Health.Status != tt.health {
				t.Errorf("%s and %s, want %s and %s", st.Sync.Status, st.Health.Status, tt.sync, tt.health)
			}
			var phase, message string
			if op := st.OperationState; op != nil {
				phase, message = string(op.Phase), op.Message
			}
			if phase != tt.operation || message != tt.message {
				t.Errorf("operation %q %q, want %q %q", phase, message, tt.operation, tt.message)
			}
			var conditions, outOfSync []string
			for _, c := range st.Conditions {
				conditions = append(conditions, c.Type+": "+c.Message)
			}
			for _, r := range st.Resources {
				if r.Status == argo.SyncOutOfSync {
					outOfSync = append(outOfSync, r.Kind+"/"+r.Name)
				}
			}
			if diff := cmp.Diff(tt.conditions, conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.outOfSync, outOfSync); diff != "" {
				t.Errorf("out of sync (-want +got):\n%s", diff)
			}
			again := tt.seen
			again.At = noon.Add(time.Hour)
			if next := ApplicationStatus(st, appSpec, again); !equality.Semantic.DeepEqual(st, next) {
				t.Errorf("looking again without a change changes the status:\n%s", cmp.Diff(st, next))
			}
			again.Refreshed = true
			if next := ApplicationStatus(st, appSpec, again); !next.ReconciledAt.Time.Equal(noon.Add(time.Hour)) {
				t.Errorf("after a refresh reconciledAt is %v", next.ReconciledAt)
			}
		})
	}
}

func TestApplicationHistory(t *testing.T) {
	limit := int64(3)
	spec := appSpec
	spec.RevisionHistoryLimit = &limit
	var st argo.ApplicationStatus
	for revision := 1; revision <= 6; revision++ {
		status := model.RecordDeployed
		if revision == 4 {
			status = model.RecordFailed
		}
		rec := &model.Record{Revision: revision, Status: status, Source: commit, Time: noon}
		st = ApplicationStatus(st, spec, Observed{Release: theRelease, At: noon, Last: rec, Attempted: commit, Health: healthy})
	}
	var ids []int64
	for _, h := range st.History {
		ids = append(ids, h.ID)
	}
	if diff := cmp.Diff([]int64{2, 4, 5}, ids); diff != "" {
		t.Errorf("IDs (-want +got):\n%s", diff)
	}
	limit = 0
	if st = ApplicationStatus(st, spec, Observed{Release: theRelease, At: noon, Last: deployed, Attempted: commit}); st.History != nil {
		t.Errorf("a limit of 0 keeps %v", st.History)
	}
}

// TestApplicationOperationEnds: a controller that died left an operation running.
func TestApplicationOperationEnds(t *testing.T) {
	prev := argo.ApplicationStatus{OperationState: &argo.OperationState{Phase: argo.OperationRunning}}
	st := ApplicationStatus(prev, appSpec, Observed{Release: theRelease, At: noon, Last: deployed, Attempted: commit, Health: healthy})
	if st.OperationState.Phase != argo.OperationSucceeded || st.OperationState.FinishedAt == nil {
		t.Errorf("it is %+v", st.OperationState)
	}
}
