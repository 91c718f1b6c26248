package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations of Argo CD that Fairlead acts upon.
const (
	// AnnotationRefresh asks for a comparison with Git now; its value is normal or hard. It is
	// removed when the comparison is done.
	AnnotationRefresh = "argocd.argoproj.io/refresh"
	// Finalizer makes deleting an Application delete what it deployed.
	Finalizer = "resources-finalizer.argocd.argoproj.io"
)

// Application asks for the manifests or the chart in a source to be deployed to a namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applications,singular=application,shortName=app;apps
// +kubebuilder:printcolumn:name="Sync Status",type=string,JSONPath=`.status.sync.status`
// +kubebuilder:printcolumn:name="Health Status",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.sync.revision`,priority=10
// +kubebuilder:printcolumn:name="Project",type=string,JSONPath=`.spec.project`,priority=10
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   ApplicationSpec   `json:"spec"`
	Status ApplicationStatus `json:"status,omitempty"`
	// Operation is a sync that was asked for; it is removed when it begins.
	Operation *Operation `json:"operation,omitempty"`
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Application `json:"items"`
}

// ApplicationSpec is what an Application asks for.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ApplicationSpec struct {
	// Project is the AppProject whose rules bind the Application; empty is "default".
	Project string `json:"project"`
	// Source is where the manifests or the chart are.
	Source *ApplicationSource `json:"source,omitempty"`
	// Sources are several sources, in place of source.
	Sources []ApplicationSource `json:"sources,omitempty"`
	// Destination is where to deploy.
	Destination ApplicationDestination `json:"destination"`
	// SyncPolicy says when and how to deploy. Without it differences are only reported.
	SyncPolicy *SyncPolicy `json:"syncPolicy,omitempty"`
	// IgnoreDifferences are fields that do not count as differences.
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty"`
	// RevisionHistoryLimit is how many entries status.history keeps; the default is 10.
	//
	// +kubebuilder:validation:Minimum=0
	RevisionHistoryLimit *int64 `json:"revisionHistoryLimit,omitempty"`
	// Info is for people.
	Info []Info `json:"info,omitempty"`
}

// ApplicationDestination is a cluster and a namespace.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ApplicationDestination struct {
	// Server is the cluster's URL; https://kubernetes.default.svc is this one.
	Server string `json:"server,omitempty"`
	// Namespace of objects that name none.
	Namespace string `json:"namespace,omitempty"`
	// Name is the cluster's name, in place of server; in-cluster is this one.
	Name string `json:"name,omitempty"`
}

// SyncPolicy says when and how to deploy.
//
// +kubebuilder:validation:XPreserveUnknownFields
type SyncPolicy struct {
	// Automated deploys without being asked.
	Automated *SyncPolicyAutomated `json:"automated,omitempty"`
	// SyncOptions are switches such as CreateNamespace=true.
	SyncOptions []string `json:"syncOptions,omitempty"`
	// Retry says how often a failed sync is tried again.
	Retry *RetryStrategy `json:"retry,omitempty"`
	// ManagedNamespaceMetadata is put on the namespace that CreateNamespace=true makes.
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// SyncPolicyAutomated says what is done without being asked.
//
// +kubebuilder:validation:XPreserveUnknownFields
type SyncPolicyAutomated struct {
	// Prune deletes what is no longer in the source.
	Prune bool `json:"prune,omitempty"`
	// SelfHeal puts back what others changed in the cluster.
	SelfHeal bool `json:"selfHeal,omitempty"`
	// AllowEmpty lets a prune delete everything.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// Enabled set to false turns all of this off.
	Enabled *bool `json:"enabled,omitempty"`
}

// RetryStrategy says how often a failed sync is tried again.
//
// +kubebuilder:validation:XPreserveUnknownFields
type RetryStrategy struct {
	// Limit is how often; negative is without end, 0 is never.
	Limit int64 `json:"limit,omitempty"`
	// Backoff is how long to wait between tries.
	Backoff *Backoff `json:"backoff,omitempty"`
	// Refresh takes the newest revision for each try.
	Refresh bool `json:"refresh,omitempty"`
}

// Backoff is how long to wait between tries.
//
// +kubebuilder:validation:XPreserveUnknownFields
type Backoff struct {
	// Duration of the first wait: a number of seconds or "1m".
	Duration string `json:"duration,omitempty"`
	// Factor the wait grows by.
	Factor *int64 `json:"factor,omitempty"`
	// MaxDuration the wait grows to.
	MaxDuration string `json:"maxDuration,omitempty"`
}

// ManagedNamespaceMetadata is put on a namespace.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ManagedNamespaceMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ResourceIgnoreDifferences are fields of some objects that do not count as differences.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ResourceIgnoreDifferences struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// JSONPointers are paths such as /spec/replicas.
	JSONPointers []string `json:"jsonPointers,omitempty"`
	// JQPathExpressions are paths in jq's language.
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
	// ManagedFieldsManagers are managers whose fields do not count.
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
}

// Info is a name and a value for people.
type Info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
