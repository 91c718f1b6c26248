package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// HelmReleaseStatus is what was observed of a HelmRelease.
type HelmReleaseStatus struct {
	// ObservedGeneration is the generation of the spec this status is of.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Phase is what the release is going through.
	Phase HelmReleasePhase `json:"phase,omitempty"`
	// ReleaseName is the name of the Helm release.
	ReleaseName string `json:"releaseName,omitempty"`
	// ReleaseStatus is the status of the Helm release, in Helm's words.
	ReleaseStatus string `json:"releaseStatus,omitempty"`
	// Revision is the Git commit or the version of the chart that is deployed.
	Revision string `json:"revision,omitempty"`
	// LastAttemptedRevision is the Git commit or version of the last attempt, which may have failed.
	LastAttemptedRevision string `json:"lastAttemptedRevision,omitempty"`
	// RollbackCount counts the rollbacks since the last successful upgrade.
	RollbackCount int64 `json:"rollbackCount,omitempty"`
	// LastHandledSync is what fairlead.dev/sync and fairlead.dev/resume asked for last.
	LastHandledSync string `json:"lastHandledSync,omitempty"`
	// Conditions are what was observed, by type.
	//
	// +listType=map
	// +listMapKey=type
	Conditions []HelmReleaseCondition `json:"conditions,omitempty"`
}

// HelmReleasePhase is what a release is going through.
type HelmReleasePhase string

// The phases of the Helm Operator.
const (
	PhaseChartFetched     HelmReleasePhase = "ChartFetched"
	PhaseChartFetchFailed HelmReleasePhase = "ChartFetchFailed"
	PhaseInstalling       HelmReleasePhase = "Installing"
	PhaseMigrating        HelmReleasePhase = "Migrating"
	PhaseUpgrading        HelmReleasePhase = "Upgrading"
	PhaseDeployed         HelmReleasePhase = "Deployed"
	PhaseDeployFailed     HelmReleasePhase = "DeployFailed"
	PhaseTesting          HelmReleasePhase = "Testing"
	PhaseTestFailed       HelmReleasePhase = "TestFailed"
	PhaseTested           HelmReleasePhase = "Tested"
	PhaseSucceeded        HelmReleasePhase = "Succeeded"
	PhaseFailed           HelmReleasePhase = "Failed"
	PhaseRollingBack      HelmReleasePhase = "RollingBack"
	PhaseRolledBack       HelmReleasePhase = "RolledBack"
	PhaseRollbackFailed   HelmReleasePhase = "RollbackFailed"
)

// HelmReleaseConditionType names a condition.
type HelmReleaseConditionType string

// The first five are the Helm Operator's, the others Fairlead's.
const (
	// ConditionChartFetched: the chart was fetched.
	ConditionChartFetched HelmReleaseConditionType = "ChartFetched"
	// ConditionDeployed: the last attempt to install or upgrade succeeded.
	ConditionDeployed HelmReleaseConditionType = "Deployed"
	// ConditionReleased: the release is as this HelmRelease asks for, and healthy.
	ConditionReleased HelmReleaseConditionType = "Released"
	// ConditionRolledBack: the release went back to an earlier revision.
	ConditionRolledBack HelmReleaseConditionType = "RolledBack"
	// ConditionTested: the chart's tests passed.
	ConditionTested HelmReleaseConditionType = "Tested"
	// ConditionReady is Released for tools that know kstatus, such as kubectl wait.
	ConditionReady HelmReleaseConditionType = "Ready"
	// ConditionHeld: a rollback keeps the release at a revision until its inputs change.
	ConditionHeld HelmReleaseConditionType = "Held"
	// ConditionUnsupported: the spec has fields that are not acted upon; the message names them.
	ConditionUnsupported HelmReleaseConditionType = "Unsupported"
)

// HelmReleaseCondition is one observation.
type HelmReleaseCondition struct {
	// Type of the condition.
	Type HelmReleaseConditionType `json:"type"`
	// Status is True, False or Unknown.
	//
	// +kubebuilder:validation:Enum="True";"False";"Unknown"
	Status metav1.ConditionStatus `json:"status"`
	// LastUpdateTime is when the condition was last written.
	LastUpdateTime *metav1.Time `json:"lastUpdateTime,omitempty"`
	// LastTransitionTime is when its status last changed.
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
	// Reason is a CamelCase word.
	Reason string `json:"reason,omitempty"`
	// Message is for people.
	Message string `json:"message,omitempty"`
}
