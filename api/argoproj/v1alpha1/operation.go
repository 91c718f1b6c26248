package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Operation asks for a sync.
//
// +kubebuilder:validation:XPreserveUnknownFields
type Operation struct {
	Sync        *SyncOperation     `json:"sync,omitempty"`
	InitiatedBy OperationInitiator `json:"initiatedBy,omitempty"`
	Info        []Info             `json:"info,omitempty"`
	Retry       RetryStrategy      `json:"retry,omitempty"`
}

// SyncOperation says what to sync and how.
//
// +kubebuilder:validation:XPreserveUnknownFields
type SyncOperation struct {
	// Revision to deploy; empty is the spec's.
	Revision  string   `json:"revision,omitempty"`
	Revisions []string `json:"revisions,omitempty"`
	// Prune deletes what is no longer in the source.
	Prune bool `json:"prune,omitempty"`
	// DryRun writes nothing.
	DryRun bool `json:"dryRun,omitempty"`
	// SyncStrategy says whether hooks run.
	SyncStrategy *SyncStrategy `json:"syncStrategy,omitempty"`
	// Resources limits the sync to some objects.
	Resources   []SyncOperationResource `json:"resources,omitempty"`
	Source      *ApplicationSource      `json:"source,omitempty"`
	Sources     []ApplicationSource     `json:"sources,omitempty"`
	Manifests   []string                `json:"manifests,omitempty"`
	SyncOptions []string                `json:"syncOptions,omitempty"`
}

// SyncStrategy says whether hooks run; the default is that they do.
type SyncStrategy struct {
	Apply *SyncStrategyApply `json:"apply,omitempty"`
	Hook  *SyncStrategyApply `json:"hook,omitempty"`
}

// SyncStrategyApply says whether to replace what cannot be changed in place.
type SyncStrategyApply struct {
	Force bool `json:"force,omitempty"`
}

// SyncOperationResource names an object to sync.
type SyncOperationResource struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// OperationInitiator is who asked.
type OperationInitiator struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// OperationPhase is how far a sync is.
type OperationPhase string

// The phases.
const (
	OperationRunning   OperationPhase = "Running"
	OperationFailed    OperationPhase = "Failed"
	OperationError     OperationPhase = "Error"
	OperationSucceeded OperationPhase = "Succeeded"
)

// OperationState is a sync and what came of it.
type OperationState struct {
	// Operation that was asked for; its schema is that of the field operation.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Operation  Operation            `json:"operation"`
	Phase      OperationPhase       `json:"phase"`
	Message    string               `json:"message,omitempty"`
	StartedAt  metav1.Time          `json:"startedAt"`
	FinishedAt *metav1.Time         `json:"finishedAt,omitempty"`
	SyncResult *SyncOperationResult `json:"syncResult,omitempty"`
	RetryCount int64                `json:"retryCount,omitempty"`
}

// SyncOperationResult is what came of a sync.
type SyncOperationResult struct {
	Revision  string   `json:"revision"`
	Revisions []string `json:"revisions,omitempty"`
	// Source it was deployed from; its schema is the spec's.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Source *ApplicationSource `json:"source,omitempty"`
	// Sources, where there are several.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Sources   []ApplicationSource `json:"sources,omitempty"`
	Resources []ResourceResult    `json:"resources,omitempty"`
}

// ResourceResult is what came of one object.
type ResourceResult struct {
	Group     string `json:"group"`
	Version   string `json:"version"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Status is Synced, SyncFailed, Pruned or PruneSkipped.
	Status   string `json:"status,omitempty"`
	Message  string `json:"message,omitempty"`
	HookType string `json:"hookType,omitempty"`
	// HookPhase is the phase of the object's own operation.
	HookPhase OperationPhase `json:"hookPhase,omitempty"`
	// SyncPhase is PreSync, Sync, PostSync or SyncFail.
	SyncPhase string `json:"syncPhase,omitempty"`
}
