package releases

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmfluxcd "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// phases say what a phase of the Helm Operator means; one that is not listed is not known.
var phases = map[helmfluxcd.HelmReleasePhase]Status{
	helmfluxcd.PhaseChartFetched:     Progressing,
	helmfluxcd.PhaseInstalling:       Progressing,
	helmfluxcd.PhaseMigrating:        Progressing,
	helmfluxcd.PhaseUpgrading:        Progressing,
	helmfluxcd.PhaseTesting:          Progressing,
	helmfluxcd.PhaseRollingBack:      Progressing,
	helmfluxcd.PhaseDeployed:         Healthy,
	helmfluxcd.PhaseTested:           Healthy,
	helmfluxcd.PhaseSucceeded:        Healthy,
	helmfluxcd.PhaseChartFetchFailed: Failed,
	helmfluxcd.PhaseDeployFailed:     Failed,
	helmfluxcd.PhaseTestFailed:       Failed,
	helmfluxcd.PhaseFailed:           Failed,
	helmfluxcd.PhaseRolledBack:       Failed,
	helmfluxcd.PhaseRollbackFailed:   Failed,
}

func viewHelmRelease(hr *helmfluxcd.HelmRelease) View {
	v := viewOf(model.KindHelmRelease, hr)
	st := hr.Status
	v.TargetNamespace = cmp.Or(hr.Spec.TargetNamespace, hr.Namespace)
	v.Release = cmp.Or(st.ReleaseName, hr.Spec.ReleaseName, defaultReleaseName(hr.Namespace, v.TargetNamespace, hr.Name))
	v.Version = shortVersion(st.Revision)
	if isCommit(st.Revision) {
		v.Commit = st.Revision
	}
	if st.LastAttemptedRevision != st.Revision {
		v.Attempted = st.LastAttemptedRevision
	}
	v.Handled = st.LastHandledSync
	v.Source = chartSource(hr.Spec.Chart)
	for _, c := range st.Conditions {
		v.Conditions = append(v.Conditions, Condition{
			Type: string(c.Type), Status: string(c.Status), Reason: c.Reason, Message: c.Message, Since: since(c.LastTransitionTime),
		})
		for _, t := range []*metav1.Time{c.LastUpdateTime, c.LastTransitionTime} {
			if t != nil && t.After(v.ObservedAt) {
				v.ObservedAt = t.UTC()
			}
		}
	}
	v.judgeHelmRelease(hr)
	running := hr.Status.Phase == helmfluxcd.PhaseInstalling || hr.Status.Phase == helmfluxcd.PhaseUpgrading
	deployed := v.Condition(string(helmfluxcd.ConditionDeployed))
	v.RollingOut = running && (deployed == nil || deployed.Reason != record.ReasonRepairing)
	v.hold(parseHold(hr.Annotations))
	return v
}

// judgeHelmRelease settles the status: the phase says what was done last, Ready (or Released, as
// the Helm Operator has it) how it does now.
func (v *View) judgeHelmRelease(hr *helmfluxcd.HelmRelease) {
	st := hr.Status
	ready := v.Condition(string(helmfluxcd.ConditionReady))
	if ready == nil {
		ready = v.Condition(string(helmfluxcd.ConditionReleased))
	}
	status, known := phases[st.Phase]
	switch {
	case st.Phase == "" && ready == nil:
		v.Status, v.Message = Unknown, "not looked at yet: is the controller running?"
		return
	case st.ObservedGeneration != 0 && st.ObservedGeneration < hr.Generation:
		v.Status, v.Message = Progressing, "the request changed; its status is of an older one"
		return
	case !known:
		status = Unknown
	}
	if ready != nil {
		status = withReady(status, known, *ready)
		if st.Phase == helmfluxcd.PhaseChartFetchFailed && ready.Status == string(metav1.ConditionUnknown) && st.ReleaseStatus != string(model.RecordFailed) {
			status = Unknown // the source does not answer now: nothing says that what runs is wrong
		}
		v.Reason, v.Message = ready.Reason, ready.Message
	}
	v.Status = status
	v.Healthy = status == Healthy || status == Held
	if status == Failed || status == Degraded {
		if c := v.worst(); c != nil {
			v.Reason, v.Message = c.Reason, c.Message
		}
		if released := v.Condition(string(helmfluxcd.ConditionRolledBack)); released != nil && released.Status == string(corev1.ConditionTrue) {
			v.Healthy = st.Phase == helmfluxcd.PhaseRolledBack
		}
	}
}

// withReady combines what was done last with how it does now.
func withReady(status Status, known bool, ready Condition) Status {
	if s, ok := reasons[ready.Reason]; ok && ready.Status == string(metav1.ConditionFalse) {
		return s
	}
	switch {
	case ready.Status == string(metav1.ConditionTrue) && (status == Healthy || !known):
		return Healthy
	case ready.Status == string(metav1.ConditionFalse) && status == Healthy:
		return Degraded // deployed well, and something broke since
	case ready.Status == string(metav1.ConditionFalse) && !known:
		return Failed
	case ready.Status == string(metav1.ConditionUnknown) && status == Healthy:
		return Progressing
	}
	return status
}

// reasons are those of a condition Ready that say more than that it is false.
var reasons = map[string]Status{
	"OutOfSync": OutOfSync, "Drifted": OutOfSync, "Suspended": Suspended, "Progressing": Progressing,
	"Held": Held, "HeldByHelm": Held,
}

// worst is the false condition that stands closest to the cause: a chart that cannot be fetched
// comes before a release that is not made of it.
func (v *View) worst() *Condition {
	for _, typ := range []helmfluxcd.HelmReleaseConditionType{
		helmfluxcd.ConditionChartFetched, helmfluxcd.ConditionTested, helmfluxcd.ConditionDeployed,
		helmfluxcd.ConditionReleased, helmfluxcd.ConditionReady,
	} {
		if c := v.Condition(string(typ)); c != nil && c.Status == string(metav1.ConditionFalse) && c.Message != "" {
			return c
		}
	}
	return nil
}

// defaultReleaseName is the Helm Operator's rule.
func defaultReleaseName(namespace, target, name string) string {
	if namespace == target {
		return namespace + "-" + name
	}
	return namespace + "-" + target + "-" + name
}

func chartSource(c helmfluxcd.ChartSource) string {
	if c.GitURL != "" {
		return joinWords(c.GitURL, c.Path, c.Ref)
	}
	return joinWords(c.RepoURL, c.Name, c.Version)
}

func since(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
