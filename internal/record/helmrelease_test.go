package record

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

var (
	theRelease = model.Release{Name: "podinfo-dev", Namespace: "dev", Generation: 4}
	commit     = model.Revision{Ref: "main", Commit: "9f3c1ab000000000000000000000000000000000"}
	deployed   = &model.Record{
		Revision: 2, Status: model.RecordDeployed, Description: "Upgrade complete", Source: commit, Time: noon,
		Inventory: model.Inventory{{Key: deployment, Version: "v1"}},
	}
	failed     = &model.Record{Revision: 3, Status: model.RecordFailed, Description: "Upgrade failed: x", Source: commit, Time: noon}
	deployment = model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "dev", Name: "api"}
	crash      = model.Cause{
		Object: deployment, Reason: "CrashLoopBackOff",
		Links: []model.Link{{Role: model.RoleCause, Text: "env DATABASE_URL <- Secret/db: missing"}}, Next: "create Secret/db",
	}
	healthy  = model.Health{Status: model.Healthy}
	degraded = model.Health{Status: model.Degraded, Message: "0/3 ready"}
)

// told is a status without times: what people read.
func told(st v1.HelmReleaseStatus) (phase, releaseStatus string, conditions map[string]string) {
	conditions = map[string]string{}
	for _, c := range st.Conditions {
		conditions[string(c.Type)] = string(c.Status) + " " + c.Reason + ": " + c.Message
	}
	return string(st.Phase), st.ReleaseStatus, conditions
}

func TestHelmReleaseStatus(t *testing.T) {
	success := "Release was successful for Helm release 'podinfo-dev' in 'dev'."
	fetched := "True ChartFetched: Chart fetched at " + commit.Commit + "."
	done := "True Deployed: Installation or upgrade succeeded for Helm release 'podinfo-dev' in 'dev'."
	cause := "CrashLoopBackOff: Deployment/api: env DATABASE_URL <- Secret/db: missing (create Secret/db)"
	tests := []struct {
		name          string
		seen          Observed
		hold          *model.Hold
		phase, status string
		conditions    map[string]string
	}{
		{
			name:  "deployed and healthy",
			seen:  Observed{Last: deployed, Attempted: commit, Health: healthy},
			phase: "Succeeded", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": done, "Released": "True Succeeded: " + success, "Ready": "True Succeeded: " + success,
			},
		},
		{
			name:  "deployed, and ill since",
			seen:  Observed{Last: deployed, Attempted: commit, Health: degraded, Causes: []model.Cause{crash}},
			phase: "Succeeded", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": done,
				"Released": "True Succeeded: " + success + " It is Degraded: " + strings.TrimPrefix(cause, "CrashLoopBackOff: "),
				"Ready":    "False " + cause,
			},
		},
		{
			name:  "the first rollout is under way",
			seen:  Observed{Running: true, Install: true, Attempted: commit, Health: model.Health{Status: model.Progressing, Message: "Deployment/api: 1/3 ready"}},
			phase: "Installing",
			conditions: map[string]string{
				"ChartFetched": fetched,
				"Deployed":     "Unknown Progressing: Running installation for Helm release 'podinfo-dev' in 'dev'.",
				"Released":     "Unknown Progressing: Waiting for health of Helm release 'podinfo-dev' in 'dev': Deployment/api: 1/3 ready",
				"Ready":        "Unknown Progressing: Waiting for health of Helm release 'podinfo-dev' in 'dev': Deployment/api: 1/3 ready",
			},
		},
		{
			name:  "a rollout that failed",
			seen:  Observed{Last: failed, Attempted: commit, Health: degraded, Causes: []model.Cause{crash}},
			phase: "DeployFailed", status: "failed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": "False " + cause, "Released": "False " + cause, "Ready": "False " + cause,
			},
		},
		{
			name: "a rollout that failed and went back",
			seen: Observed{
				Last: &model.Record{Revision: 4, Status: model.RecordDeployed}, Attempted: commit, Health: healthy,
				Err: errors.New("Deployment/api: bad image"), Stage: "health", RolledBack: 2, Held: true, HeldWhy: "held at revision 2",
			},
			phase: "RolledBack", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": "False DeployFailed: Deployment/api: bad image",
				"Released":   "False RolledBack: Deployment/api: bad image; went back to revision 2",
				"Ready":      "False RolledBack: Deployment/api: bad image; went back to revision 2",
				"RolledBack": "True RolledBack: Went back to revision 2.",
				"Held":       "True Held: held at revision 2",
			},
		},
		{
			name: "the chart is not there",
			seen: Observed{
				Last: deployed, Health: healthy, Stage: "source",
				Err: &model.Error{Kind: model.ErrNotFound, Reason: "PathNotFound", Msg: "no folder charts/podinfo", Next: "charts holds web/"},
			},
			phase: "ChartFetchFailed", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": "False PathNotFound: no folder charts/podinfo (charts holds web/)",
				"Released":     "False PathNotFound: no folder charts/podinfo (charts holds web/)",
				"Ready":        "False PathNotFound: no folder charts/podinfo (charts holds web/)",
			},
		},
		{
			name: "the host of the chart cannot be reached",
			seen: Observed{
				Last: deployed, Health: healthy, Stage: "source",
				Err: &model.Error{Kind: model.ErrTransient, Reason: "Unreachable", Msg: "no route"},
			},
			phase: "ChartFetchFailed", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": "False Unreachable: no route", "Released": "Unknown Unreachable: no route", "Ready": "Unknown Unreachable: no route",
			},
		},
		{
			name: "a template error, and a field that is not acted upon",
			seen: Observed{
				Last: deployed, Attempted: commit, Health: healthy, Stage: "render", Unsupported: []string{"spec.a", "spec.b"},
				Err: &model.Error{Kind: model.ErrInvalid, Reason: "TemplateError", File: "templates/a.yaml", Line: 3, Msg: "no such value"},
			},
			phase: "DeployFailed", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": "False TemplateError: templates/a.yaml:3: no such value",
				"Released":    "False TemplateError: templates/a.yaml:3: no such value",
				"Ready":       "False TemplateError: templates/a.yaml:3: no such value",
				"Unsupported": "True UnsupportedFields: Not acted upon: spec.a, spec.b",
			},
		},
		{
			name:  "held by a person",
			seen:  Observed{Last: deployed, Attempted: commit, Health: healthy, Held: true, HeldWhy: "held at revision 1 (Rollback to 1)"},
			phase: "RolledBack", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": done,
				"Released": "False Held: held at revision 1 (Rollback to 1)", "Ready": "False Held: held at revision 1 (Rollback to 1)",
				"RolledBack": "True Held: held at revision 1 (Rollback to 1)", "Held": "True Held: held at revision 1 (Rollback to 1)",
			},
		},
		{
			name: "held by a person until the inputs changed",
			hold: &model.Hold{Revision: 1, Time: "t"},
			seen: Observed{
				Last: &model.Record{Revision: 3, Status: model.RecordDeployed, HoldTime: "t"}, Attempted: commit, Health: healthy,
			},
			phase: "Succeeded", status: "deployed",
			conditions: map[string]string{
				"ChartFetched": fetched, "Deployed": done, "Released": "True Succeeded: " + success, "Ready": "True Succeeded: " + success,
				"Held": "False InputsChanged: The inputs changed, which ended the hold at revision 1.",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.seen.Release, tt.seen.At = theRelease, noon
			tt.seen.Release.Hold = tt.hold
			st := HelmReleaseStatus(v1.HelmReleaseStatus{}, tt.seen)
			phase, status, conditions := told(st)
			if phase != tt.phase || status != tt.status {
				t.Errorf("phase %q, releaseStatus %q, want %q, %q", phase, status, tt.phase, tt.status)
			}
			if diff := cmp.Diff(tt.conditions, conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if st.ObservedGeneration != 4 || st.ReleaseName != "podinfo-dev" {
				t.Errorf("of generation %d, release %q", st.ObservedGeneration, st.ReleaseName)
			}
			again := tt.seen
			again.At = noon.Add(time.Hour)
			again.RolledBack = 0 // a second look finds no second rollback
			if tt.seen.RolledBack == 0 {
				if diff := cmp.Diff(st, HelmReleaseStatus(st, again)); diff != "" {
					t.Errorf("looking again without a change changes the status:\n%s", diff)
				}
			}
		})
	}
}

func TestHelmReleaseStatusFollowsARelease(t *testing.T) {
	st := HelmReleaseStatus(v1.HelmReleaseStatus{}, Observed{Release: theRelease, At: noon, Last: deployed, Attempted: commit, Health: healthy})
	if st.Revision != commit.Commit || st.LastAttemptedRevision != commit.Commit {
		t.Errorf("revision %q, attempted %q", st.Revision, st.LastAttemptedRevision)
	}
	next := model.Revision{Commit: "1111111"}
	bad := *failed
	bad.Source = next
	st = HelmReleaseStatus(st, Observed{Release: theRelease, At: noon.Add(time.Minute), Last: &bad, Attempted: next, Health: degraded, RolledBack: 2})
	if st.Revision != commit.Commit || st.LastAttemptedRevision != "1111111" || st.RollbackCount != 1 {
		t.Errorf("revision %q, attempted %q, %d rollbacks", st.Revision, st.LastAttemptedRevision, st.RollbackCount)
	}
	for _, c := range st.Conditions {
		if c.Type == v1.ConditionReleased && !c.LastTransitionTime.Equal(&metav1.Time{Time: noon.Add(time.Minute)}) {
			t.Errorf("Released turned at %v", c.LastTransitionTime)
		}
		if c.Type == v1.ConditionChartFetched && !c.LastTransitionTime.Equal(&metav1.Time{Time: noon}) {
			t.Errorf("ChartFetched turned at %v though it stayed True", c.LastTransitionTime)
		}
	}
	good := *deployed
	good.Source = next
	st = HelmReleaseStatus(st, Observed{Release: theRelease, At: noon, Last: &good, Attempted: next, Health: healthy})
	_, _, conditions := told(st)
	if _, there := conditions["RolledBack"]; there || st.RollbackCount != 0 || st.Revision != "1111111" {
		t.Errorf("after recovery: %v, %d rollbacks, revision %q", conditions, st.RollbackCount, st.Revision)
	}
}
