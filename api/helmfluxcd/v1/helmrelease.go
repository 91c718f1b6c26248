package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// HelmRelease asks for one release of a Helm chart.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=helmreleases,singular=helmrelease,shortName=hr;hrs
// +kubebuilder:printcolumn:name="Release",type="string",JSONPath=".status.releaseName",description="Name of the Helm release, as given by Helm."
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase",description="What the release is going through."
// +kubebuilder:printcolumn:name="ReleaseStatus",type="string",JSONPath=".status.releaseStatus",description="Status of the Helm release, as given by Helm."
// +kubebuilder:printcolumn:name="Message",type="string",JSONPath=".status.conditions[?(@.type==\"Released\")].message"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type HelmRelease struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   HelmReleaseSpec   `json:"spec"`
	Status HelmReleaseStatus `json:"status,omitempty"`
}

// HelmReleaseList is a list of HelmReleases.
//
// +kubebuilder:object:root=true
type HelmReleaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []HelmRelease `json:"items"`
}

// HelmReleaseSpec is what a HelmRelease asks for.
//
// +kubebuilder:validation:XPreserveUnknownFields
type HelmReleaseSpec struct {
	// Chart says where the chart comes from: a Git repository or a Helm repository.
	Chart ChartSource `json:"chart"`
	// ReleaseName is the Helm release's name. The default is namespace-name, and
	// namespace-targetNamespace-name where the two namespaces differ.
	ReleaseName string `json:"releaseName,omitempty"`
	// TargetNamespace is where the release is installed; the default is the HelmRelease's namespace.
	TargetNamespace string `json:"targetNamespace,omitempty"`
	// Values are the values of the release; they win over valuesFrom.
	//
	// +nullable
	// +kubebuilder:pruning:PreserveUnknownFields
	Values *runtime.RawExtension `json:"values,omitempty"`
	// ValuesFrom are further sources of values; later ones win.
	ValuesFrom []ValuesFromSource `json:"valuesFrom,omitempty"`
	// ValueFileSecrets names Secrets with values under the key values.yaml. Deprecated: use
	// valuesFrom.secretKeyRef.
	ValueFileSecrets []LocalObjectReference `json:"valueFileSecrets,omitempty"`
	// Timeout is how many seconds a rollout may take to become healthy; the default is 300.
	//
	// +kubebuilder:validation:Minimum=0
	Timeout *int64 `json:"timeout,omitempty"`
	// MaxHistory is how many revisions are kept; the default is 10.
	//
	// +kubebuilder:validation:Minimum=0
	MaxHistory *int `json:"maxHistory,omitempty"`
	// ResetValues set to false keeps the values of the previous revision.
	ResetValues *bool `json:"resetValues,omitempty"`
	// ReuseValues keeps the values of the previous revision.
	ReuseValues *bool `json:"reuseValues,omitempty"`
	// ForceUpgrade replaces objects that cannot be changed in place.
	ForceUpgrade bool `json:"forceUpgrade,omitempty"`
	// Wait set to false does not wait for health.
	Wait *bool `json:"wait,omitempty"`
	// SkipCRDs leaves out the chart's crds folder.
	SkipCRDs bool `json:"skipCRDs,omitempty"`
	// Rollback says what to do when an upgrade fails.
	Rollback Rollback `json:"rollback,omitempty"`
	// Test says whether the chart's tests run after a deployment.
	Test Test `json:"test,omitempty"`
	// HelmVersion is v2 or v3; Fairlead renders with Helm 4, which reads charts of Helm 3.
	//
	// +kubebuilder:validation:Enum=v2;v3
	HelmVersion string `json:"helmVersion,omitempty"`
	// DisableOpenAPIValidation turns validation against the API server's schema off.
	DisableOpenAPIValidation bool `json:"disableOpenAPIValidation,omitempty"`
}

// ChartSource is where a chart comes from: git, ref and path, or repository, name and version.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ChartSource struct {
	// GitURL is a Git repository's URL: git@github.com:org/repo, https://..., ssh://...
	GitURL string `json:"git,omitempty"`
	// Ref is a branch, tag or commit; the default is the repository's default branch.
	Ref string `json:"ref,omitempty"`
	// Path is the chart's folder below the repository's root.
	Path string `json:"path,omitempty"`
	// SecretRef names a Secret with the credential for the Git repository.
	SecretRef *ObjectReference `json:"secretRef,omitempty"`
	// SkipDepUpdate does not fetch dependencies; they have to be in the chart's charts folder.
	SkipDepUpdate bool `json:"skipDepUpdate,omitempty"`

	// RepoURL is a Helm repository's URL.
	RepoURL string `json:"repository,omitempty"`
	// Name is the chart's name in the Helm repository.
	Name string `json:"name,omitempty"`
	// Version is the chart's version in the Helm repository.
	Version string `json:"version,omitempty"`
	// ChartPullSecret names a Secret with the credential for the Helm repository.
	ChartPullSecret *LocalObjectReference `json:"chartPullSecret,omitempty"`
}

// ValuesFromSource is one further source of values; exactly one of its fields is set.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ValuesFromSource struct {
	// ConfigMapKeyRef takes values from a key of a ConfigMap.
	ConfigMapKeyRef *OptionalKeySelector `json:"configMapKeyRef,omitempty"`
	// SecretKeyRef takes values from a key of a Secret.
	SecretKeyRef *OptionalKeySelector `json:"secretKeyRef,omitempty"`
	// ExternalSourceRef takes values from a URL.
	ExternalSourceRef *ExternalSourceSelector `json:"externalSourceRef,omitempty"`
	// ChartFileRef takes values from a file of the chart.
	ChartFileRef *ChartFileSelector `json:"chartFileRef,omitempty"`
}

// OptionalKeySelector names a key of a ConfigMap or Secret.
//
// +kubebuilder:validation:XPreserveUnknownFields
type OptionalKeySelector struct {
	// Name of the ConfigMap or Secret.
	Name string `json:"name"`
	// Namespace, where it is not the HelmRelease's.
	Namespace string `json:"namespace,omitempty"`
	// Key with the values; the default is values.yaml.
	Key string `json:"key,omitempty"`
	// Optional goes on without what is missing.
	Optional bool `json:"optional,omitempty"`
}

// ExternalSourceSelector names a URL with values.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ExternalSourceSelector struct {
	// URL of the values.
	URL string `json:"url"`
	// Optional goes on without what is missing.
	Optional *bool `json:"optional,omitempty"`
}

// ChartFileSelector names a values file in the chart.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ChartFileSelector struct {
	// Path below the chart's root.
	Path string `json:"path"`
	// Optional goes on without what is missing.
	Optional *bool `json:"optional,omitempty"`
}

// ObjectReference names an object, in another namespace where one is given.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ObjectReference struct {
	// Name of the object.
	Name string `json:"name"`
	// Namespace, where it is not the HelmRelease's.
	Namespace string `json:"namespace,omitempty"`
}

// LocalObjectReference names an object in the HelmRelease's namespace.
//
// +kubebuilder:validation:XPreserveUnknownFields
type LocalObjectReference struct {
	// Name of the object.
	Name string `json:"name"`
}

// Rollback says what to do when an upgrade fails.
//
// +kubebuilder:validation:XPreserveUnknownFields
type Rollback struct {
	// Enable goes back to the last good revision.
	Enable bool `json:"enable,omitempty"`
	// Retry tries the upgrade again after a rollback.
	Retry bool `json:"retry,omitempty"`
	// MaxRetries bounds retry; the default is 5, 0 is no bound.
	MaxRetries *int64 `json:"maxRetries,omitempty"`
	// Force replaces objects that cannot be changed in place.
	Force bool `json:"force,omitempty"`
	// Recreate restarts pods.
	Recreate bool `json:"recreate,omitempty"`
	// DisableHooks runs no hooks.
	DisableHooks bool `json:"disableHooks,omitempty"`
	// Timeout in seconds; the default is 300.
	Timeout *int64 `json:"timeout,omitempty"`
	// Wait waits for health.
	Wait bool `json:"wait,omitempty"`
}

// Test says whether and how the chart's tests run.
//
// +kubebuilder:validation:XPreserveUnknownFields
type Test struct {
	// Enable runs the tests after a deployment.
	Enable bool `json:"enable,omitempty"`
	// IgnoreFailures lets a deployment stand whose tests fail.
	IgnoreFailures *bool `json:"ignoreFailures,omitempty"`
	// Timeout in seconds; the default is 300.
	Timeout *int64 `json:"timeout,omitempty"`
	// Cleanup deletes test pods between runs.
	Cleanup *bool `json:"cleanup,omitempty"`
}
