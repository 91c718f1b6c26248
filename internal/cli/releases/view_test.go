package releases

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
	helmfluxcd "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	commitA = "aaaaaaa0123456789012345678901234567890ab"
	commitB = "bbbbbbb0123456789012345678901234567890ab"
)

var hold = `{"revision":3,"by":"fairlead rollback","time":"2026-01-02T03:04:05Z"}`

type verdict struct {
	Status  Status
	Healthy bool
	Message string
}

func condition(typ helmfluxcd.HelmReleaseConditionType, status metav1.ConditionStatus, reason, message string) helmfluxcd.HelmReleaseCondition {
	return helmfluxcd.HelmReleaseCondition{Type: typ, Status: status, Reason: reason, Message: message}
}

func TestHelmReleaseStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		status     helmfluxcd.HelmReleaseStatus
		generation int64
		hold       string
		want       verdict
	}{
		"nobody looked at it": {
			want: verdict{Unknown, false, "not looked at yet: is the controller running?"},
		},
		"as the Helm Operator writes it": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase:      helmfluxcd.PhaseSucceeded,
				Conditions: []helmfluxcd.HelmReleaseCondition{condition("Released", "True", "Succeeded", "Release was successful")},
			},
			want: verdict{Healthy, true, "Release was successful"},
		},
		"deployed well, broken since": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase:      helmfluxcd.PhaseSucceeded,
				Conditions: []helmfluxcd.HelmReleaseCondition{condition("Ready", "False", "Degraded", "Deployment/api 0/3 ready")},
			},
			want: verdict{Degraded, false, "Deployment/api 0/3 ready"},
		},
		"drifted and left alone": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase:      helmfluxcd.PhaseSucceeded,
				Conditions: []helmfluxcd.HelmReleaseCondition{condition("Ready", "False", "Drifted", "Deployment/api was changed")},
			},
			want: verdict{OutOfSync, false, "Deployment/api was changed"},
		},
		"rolling out": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase:      helmfluxcd.PhaseUpgrading,
				Conditions: []helmfluxcd.HelmReleaseCondition{condition("Ready", "Unknown", "Progressing", "waiting for Deployment/api")},
			},
			want: verdict{Progressing, false, "waiting for Deployment/api"},
		},
		"the cause comes before its consequences": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase: helmfluxcd.PhaseChartFetchFailed,
				Conditions: []helmfluxcd.HelmReleaseCondition{
					condition("Released", "False", "ChartFetchFailed", "not released"),
					condition("ChartFetched", "False", "CloneFailed", "no such repository"),
				},
			},
			want: verdict{Failed, false, "no such repository"},
		},
		"the source does not answer": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase: helmfluxcd.PhaseChartFetchFailed,
				Conditions: []helmfluxcd.HelmReleaseCondition{
					condition("ChartFetched", "False", "Unreachable", "503 from git.example.com"),
					condition("Ready", "Unknown", "Unreachable", "503 from git.example.com"),
				},
			},
			want: verdict{Unknown, false, "503 from git.example.com"},
		},
		"a failed upgrade that was rolled back": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase: helmfluxcd.PhaseRolledBack,
				Conditions: []helmfluxcd.HelmReleaseCondition{
					condition("Released", "False", "RolloutFailed", "image not found"),
					condition("RolledBack", "True", "Succeeded", "back at revision 3"),
				},
			},
			want: verdict{Failed, true, "image not found"},
		},
		"the request changed since": {
			status:     helmfluxcd.HelmReleaseStatus{Phase: helmfluxcd.PhaseSucceeded, ObservedGeneration: 1},
			generation: 2,
			want:       verdict{Progressing, false, "the request changed; its status is of an older one"},
		},
		"a wish to hold": {
			status: helmfluxcd.HelmReleaseStatus{Phase: helmfluxcd.PhaseSucceeded},
			hold:   hold,
			want:   verdict{Held, true, "held at revision 3 by fairlead rollback until the inputs change or: fairlead resume dev/api"},
		},
		"a hold that is over": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase: helmfluxcd.PhaseSucceeded,
				Conditions: []helmfluxcd.HelmReleaseCondition{
					condition("Ready", "True", "Healthy", "5 objects healthy"), condition("Held", "False", "Released", ""),
				},
			},
			hold: hold,
			want: verdict{Healthy, true, "5 objects healthy"},
		},
		"rolled back and held, as Fairlead writes it": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase: helmfluxcd.PhaseRolledBack,
				Conditions: []helmfluxcd.HelmReleaseCondition{
					condition("Released", "False", "Held", "held at revision 3"), condition("Ready", "False", "Held", "held at revision 3"),
					condition("RolledBack", "True", "Held", "held at revision 3"), condition("Held", "True", "Held", "held at revision 3"),
				},
			},
			hold: hold,
			want: verdict{Held, true, "held at revision 3"},
		},
		"held by helm rollback": {
			status: helmfluxcd.HelmReleaseStatus{
				Phase:      helmfluxcd.PhaseSucceeded,
				Conditions: []helmfluxcd.HelmReleaseCondition{condition("Held", "True", "HeldByHelm", "revision 4 was made with helm")},
			},
			want: verdict{Held, true, "revision 4 was made with helm"},
		},
		"a hold that cannot be read": {
			status: helmfluxcd.HelmReleaseStatus{Phase: helmfluxcd.PhaseSucceeded},
			hold:   "yes",
			want:   verdict{Healthy, true, "annotation fairlead.dev/hold: invalid character 'y' looking for beginning of value"},
		},
		"a phase of the future": {
			status: helmfluxcd.HelmReleaseStatus{Phase: "Levitating"},
			want:   verdict{Unknown, false, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			hr := &helmfluxcd.HelmRelease{Status: tt.status}
			hr.Namespace, hr.Name, hr.Generation = "dev", "api", tt.generation
			if tt.hold != "" {
				hr.Annotations = map[string]string{model.AnnotationHold: tt.hold}
			}
			v := viewHelmRelease(hr)
			if diff := cmp.Diff(tt.want, verdict{v.Status, v.Healthy, v.Message}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHelmReleaseView(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	hr := &helmfluxcd.HelmRelease{
		Spec: helmfluxcd.HelmReleaseSpec{
			TargetNamespace: "prod",
			Chart:           helmfluxcd.ChartSource{GitURL: "https://git.example.com/fleet", Path: "charts/api", Ref: "main"},
		},
		Status: helmfluxcd.HelmReleaseStatus{
			Phase: helmfluxcd.PhaseSucceeded, Revision: commitA, LastAttemptedRevision: commitB,
			Conditions: []helmfluxcd.HelmReleaseCondition{{Type: "Ready", Status: "True", LastUpdateTime: &at}},
		},
	}
	hr.Namespace, hr.Name = "dev", "api"
	v := viewHelmRelease(hr)
	got := []string{v.Release, v.TargetNamespace, v.Version, v.Commit, v.Attempted, v.Source, v.ObservedAt.Format(time.RFC3339)}
	want := []string{"dev-prod-api", "prod", "aaaaaaa", commitA, commitB, "https://git.example.com/fleet charts/api main", "2026-01-02T03:04:05Z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	hr.Spec.TargetNamespace = ""
	if v := viewHelmRelease(hr); v.Release != "dev-api" || v.TargetNamespace != "dev" {
		t.Errorf("release %s in %s, want dev-api in dev", v.Release, v.TargetNamespace)
	}
}

func TestApplicationStatus(t *testing.T) {
	synced := argo.SyncStatus{Status: argo.SyncSynced, Revision: commitA}
	healthy := argo.HealthStatus{Status: "Healthy"}
	for name, tt := range map[string]struct {
		status    argo.ApplicationStatus
		operation bool
		hold      string
		note      string // of the newest record
		want      verdict
	}{
		"nobody looked at it": {
			want: verdict{Unknown, false, "not looked at yet: is the controller running?"},
		},
		"healthy": {
			status: argo.ApplicationStatus{Sync: synced, Health: healthy},
			want:   verdict{Healthy, true, ""},
		},
		"out of sync": {
			status: argo.ApplicationStatus{
				Sync: argo.SyncStatus{Status: argo.SyncOutOfSync}, Health: healthy,
				Resources: []argo.ResourceStatus{{Kind: "Deployment", Name: "api", Status: argo.SyncOutOfSync}, {Kind: "Service", Name: "api", Status: argo.SyncSynced}},
			},
			want: verdict{OutOfSync, true, "Deployment/api differs from the source"},
		},
		"broken comes before out of sync": {
			status: argo.ApplicationStatus{
				Sync: argo.SyncStatus{Status: argo.SyncOutOfSync}, Health: argo.HealthStatus{Status: "Degraded", Message: "0/3 ready"},
			},
			want: verdict{Degraded, false, "0/3 ready"},
		},
		"objects are missing": {
			status: argo.ApplicationStatus{Sync: synced, Health: argo.HealthStatus{Status: "Missing"}},
			want:   verdict{Degraded, false, "objects are missing"},
		},
		"asked for": {
			status:    argo.ApplicationStatus{Sync: synced, Health: healthy},
			operation: true,
			want:      verdict{Progressing, true, ""},
		},
		"an operation failed": {
			status: argo.ApplicationStatus{
				Sync: synced, Health: healthy,
				OperationState: &argo.OperationState{Phase: argo.OperationFailed, Message: "denied by quota"},
			},
			want: verdict{Failed, true, "denied by quota"},
		},
		"cannot be compared": {
			status: argo.ApplicationStatus{
				Sync: argo.SyncStatus{Status: argo.SyncUnknown}, Health: healthy,
				Conditions: []argo.ApplicationCondition{{Type: argo.ConditionSharedResourceWarning, Message: "w"}, {Type: argo.ConditionComparisonError, Message: "no such path"}},
			},
			want: verdict{Failed, true, "no such path"},
		},
		"not known": {
			status: argo.ApplicationStatus{Sync: argo.SyncStatus{Status: argo.SyncUnknown}, Health: argo.HealthStatus{Status: "Unknown", Message: "no answer"}},
			want:   verdict{Unknown, false, "no answer"},
		},
		"held": {
			status: argo.ApplicationStatus{
				Sync: argo.SyncStatus{Status: argo.SyncOutOfSync}, Health: healthy,
				Conditions: []argo.ApplicationCondition{{Type: argo.ConditionHeldWarning, Message: "held at revision 3"}},
			},
			hold: hold,
			want: verdict{Held, true, "held at revision 3"},
		},
		"a hold that is over": {
			status: argo.ApplicationStatus{Sync: synced, Health: healthy},
			hold:   `{"revision":3,"time":"t"}`, note: `{"Revision":5,"Status":"deployed","HoldTime":"t"}`,
			want: verdict{Healthy, true, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := &argo.Application{Status: tt.status}
			app.Namespace, app.Name = "argocd", "api"
			if tt.operation {
				app.Operation = &argo.Operation{}
			}
			if tt.hold != "" {
				app.Annotations = map[string]string{model.AnnotationHold: tt.hold, model.AnnotationNote: tt.note}
			}
			v := viewApplication(app)
			if diff := cmp.Diff(tt.want, verdict{v.Status, v.Healthy, v.Message}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The newest entry of an Application's history is the one Fairlead keeps in full.
func TestApplicationHistory(t *testing.T) {
	app := &argo.Application{Status: argo.ApplicationStatus{History: []argo.RevisionHistory{{ID: 0, Revision: commitA}, {ID: 1, Revision: commitB}}}}
	note, err := json.Marshal(model.Record{Revision: 2, Status: model.RecordFailed, Description: "upgrade failed"})
	if err != nil {
		t.Fatal(err)
	}
	app.Annotations = map[string]string{model.AnnotationNote: string(note)}
	got := viewApplication(app).History
	want := []model.Record{
		{Revision: 1, Status: model.RecordSuperseded, Source: model.Revision{Commit: commitA}, Time: got[0].Time},
		{Revision: 2, Status: model.RecordFailed, Description: "upgrade failed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRoot(t *testing.T) {
	cm := &corev1.ConfigMap{Data: map[string]string{"status": `{"url":"u","ref":"main","paths":["a","b"],"commit":"` + commitA + `","status":"Healthy"}`}}
	cm.Namespace, cm.Name, cm.Labels = "fairlead-system", "root-fleet", map[string]string{LabelRoot: "fleet"}
	v := viewRoot(cm)
	if got, want := []string{v.ID().String(), string(v.Status), v.Version, v.Source}, []string{"Root/fleet", "Healthy", "aaaaaaa", "u main a b"}; !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	cm.Data["status"] = "{"
	if v := viewRoot(cm); v.Status != Unknown || v.Message == "" {
		t.Errorf("a record that cannot be read is %s (%s)", v.Status, v.Message)
	}
}
