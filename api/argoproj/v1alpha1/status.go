package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationStatus is what was observed of an Application.
type ApplicationStatus struct {
	// Sync compares the cluster with the source.
	Sync SyncStatus `json:"sync,omitempty"`
	// Health is the worst health of the Application's objects.
	Health HealthStatus `json:"health,omitempty"`
	// Resources are the Application's objects.
	Resources []ResourceStatus `json:"resources,omitempty"`
	// History is what was deployed, oldest first.
	History []RevisionHistory `json:"history,omitempty"`
	// OperationState is the last sync.
	OperationState *OperationState `json:"operationState,omitempty"`
	// Conditions are what is wrong or worth a warning; none is good.
	Conditions []ApplicationCondition `json:"conditions,omitempty"`
	// ReconciledAt is when the cluster was last compared with the source.
	ReconciledAt *metav1.Time `json:"reconciledAt,omitempty"`
	// ObservedAt is when the status was last written.
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`
	// SourceType is Helm, Kustomize, Directory or Plugin.
	SourceType ApplicationSourceType `json:"sourceType,omitempty"`
	// SourceTypes are the types of sources.
	SourceTypes []ApplicationSourceType `json:"sourceTypes,omitempty"`
	// Summary is what people look for first.
	Summary ApplicationSummary `json:"summary,omitempty"`
	// ControllerNamespace is where the controller runs.
	ControllerNamespace string `json:"controllerNamespace,omitempty"`
}

// ApplicationSourceType says what a source turned out to be.
type ApplicationSourceType string

// The types Fairlead finds.
const (
	SourceTypeHelm      ApplicationSourceType = "Helm"
	SourceTypeDirectory ApplicationSourceType = "Directory"
)

// SyncStatusCode says whether the cluster is as the source asks for.
type SyncStatusCode string

// The codes.
const (
	SyncUnknown   SyncStatusCode = "Unknown"
	SyncSynced    SyncStatusCode = "Synced"
	SyncOutOfSync SyncStatusCode = "OutOfSync"
)

// SyncStatus compares the cluster with the source.
type SyncStatus struct {
	Status SyncStatusCode `json:"status"`
	// ComparedTo is what the cluster was compared with.
	//
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	ComparedTo *ComparedTo `json:"comparedTo,omitempty"`
	// Revision is the commit or version it was compared with.
	Revision string `json:"revision,omitempty"`
	// Revisions are those of several sources.
	Revisions []string `json:"revisions,omitempty"`
}

// ComparedTo is the request a comparison was made with.
type ComparedTo struct {
	Source            *ApplicationSource          `json:"source,omitempty"`
	Sources           []ApplicationSource         `json:"sources,omitempty"`
	Destination       ApplicationDestination      `json:"destination"`
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty"`
}

// HealthStatus is how something does: Healthy, Progressing, Degraded, Suspended, Missing, Unknown.
type HealthStatus struct {
	Status             string       `json:"status,omitempty"`
	Message            string       `json:"message,omitempty"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
}

// ResourceStatus is one object of an Application.
type ResourceStatus struct {
	Group           string         `json:"group,omitempty"`
	Version         string         `json:"version,omitempty"`
	Kind            string         `json:"kind,omitempty"`
	Namespace       string         `json:"namespace,omitempty"`
	Name            string         `json:"name,omitempty"`
	Status          SyncStatusCode `json:"status,omitempty"`
	Health          *HealthStatus  `json:"health,omitempty"`
	Hook            bool           `json:"hook,omitempty"`
	RequiresPruning bool           `json:"requiresPruning,omitempty"`
	SyncWave        int64          `json:"syncWave,omitempty"`
}

// RevisionHistory is one deployment.
type RevisionHistory struct {
	// ID counts up from 0 and is never used again.
	ID int64 `json:"id"`
	// Revision is the commit or version.
	Revision        string       `json:"revision,omitempty"`
	Revisions       []string     `json:"revisions,omitempty"`
	DeployStartedAt *metav1.Time `json:"deployStartedAt,omitempty"`
	DeployedAt      metav1.Time  `json:"deployedAt"`
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
	Sources     []ApplicationSource `json:"sources,omitempty"`
	InitiatedBy OperationInitiator  `json:"initiatedBy,omitempty"`
}

// ApplicationCondition is something that is wrong or worth a warning.
type ApplicationCondition struct {
	// Type ends in Error or Warning.
	Type               string       `json:"type"`
	Message            string       `json:"message"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
}

// Argo CD's types of conditions that Fairlead writes.
const (
	ConditionComparisonError         = "ComparisonError"
	ConditionInvalidSpecError        = "InvalidSpecError"
	ConditionSyncError               = "SyncError"
	ConditionSharedResourceWarning   = "SharedResourceWarning"
	ConditionUnsupportedFieldWarning = "UnsupportedFieldWarning" // Fairlead's own
	ConditionHeldWarning             = "HeldWarning"             // Fairlead's own
)

// ApplicationSummary is what people look for first.
type ApplicationSummary struct {
	ExternalURLs []string `json:"externalURLs,omitempty"`
	Images       []string `json:"images,omitempty"`
}
