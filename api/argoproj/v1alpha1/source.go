package v1alpha1

import "k8s.io/apimachinery/pkg/runtime"

// ApplicationSource is where manifests or a chart are.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ApplicationSource struct {
	// RepoURL is a Git repository, a Helm repository or an OCI registry.
	RepoURL string `json:"repoURL"`
	// Path is the folder below a Git repository's root.
	Path string `json:"path,omitempty"`
	// TargetRevision is a branch, tag, semver range or commit; of a chart, a version or range.
	TargetRevision string `json:"targetRevision,omitempty"`
	// Chart is the chart's name in a Helm repository.
	Chart string `json:"chart,omitempty"`
	// Helm has what concerns charts.
	Helm *ApplicationSourceHelm `json:"helm,omitempty"`
	// Directory has what concerns folders of manifests.
	Directory *ApplicationSourceDirectory `json:"directory,omitempty"`
	// Kustomize has what concerns Kustomize.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Kustomize *runtime.RawExtension `json:"kustomize,omitempty"`
	// Plugin has what concerns a config management plugin.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Plugin *runtime.RawExtension `json:"plugin,omitempty"`
	// Ref names this source for the value files of others.
	Ref string `json:"ref,omitempty"`
	// Name of the source, for people.
	Name string `json:"name,omitempty"`
}

// ApplicationSourceHelm has what concerns charts.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ApplicationSourceHelm struct {
	// ValueFiles are files below the chart, later ones win.
	ValueFiles []string `json:"valueFiles,omitempty"`
	// Parameters are single values, as helm --set; they win over all else.
	Parameters []HelmParameter `json:"parameters,omitempty"`
	// FileParameters are single values taken from files, as helm --set-file.
	FileParameters []HelmFileParameter `json:"fileParameters,omitempty"`
	// ReleaseName is the Helm release's name; the default is the Application's.
	ReleaseName string `json:"releaseName,omitempty"`
	// Values are values as a block of YAML.
	Values string `json:"values,omitempty"`
	// ValuesObject are values as an object; it wins over values.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	ValuesObject *runtime.RawExtension `json:"valuesObject,omitempty"`
	// IgnoreMissingValueFiles skips value files that do not exist.
	IgnoreMissingValueFiles bool `json:"ignoreMissingValueFiles,omitempty"`
	// SkipCrds leaves out the chart's crds folder.
	SkipCrds bool `json:"skipCrds,omitempty"`
	// SkipTests leaves out test hooks.
	SkipTests bool `json:"skipTests,omitempty"`
	// SkipSchemaValidation does not validate values against the chart's schema.
	SkipSchemaValidation bool `json:"skipSchemaValidation,omitempty"`
	// PassCredentials sends the credential to other hosts too.
	PassCredentials bool `json:"passCredentials,omitempty"`
	// Version of Helm to render with.
	Version string `json:"version,omitempty"`
	// Namespace to render with; the default is the destination's.
	Namespace string `json:"namespace,omitempty"`
	// KubeVersion to render with; the default is the cluster's.
	KubeVersion string `json:"kubeVersion,omitempty"`
	// APIVersions to render with; the default is the cluster's.
	APIVersions []string `json:"apiVersions,omitempty"`
}

// HelmParameter is one value, as helm --set.
//
// +kubebuilder:validation:XPreserveUnknownFields
type HelmParameter struct {
	Name  string `json:"name,omitempty"`
	Value string `json:"value,omitempty"`
	// ForceString keeps numbers and booleans strings, as helm --set-string.
	ForceString bool `json:"forceString,omitempty"`
}

// HelmFileParameter is one value taken from a file, as helm --set-file.
//
// +kubebuilder:validation:XPreserveUnknownFields
type HelmFileParameter struct {
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"`
}

// ApplicationSourceDirectory has what concerns folders of manifests.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ApplicationSourceDirectory struct {
	// Recurse looks into folders below.
	Recurse bool `json:"recurse,omitempty"`
	// Exclude is a glob of files to leave out.
	Exclude string `json:"exclude,omitempty"`
	// Include is a glob of files to take.
	Include string `json:"include,omitempty"`
	// Jsonnet has what concerns Jsonnet.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Jsonnet *runtime.RawExtension `json:"jsonnet,omitempty"`
}
