package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AppProject says what its Applications may do.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=appprojects,singular=appproject,shortName=appproj;appprojs
type AppProject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   AppProjectSpec   `json:"spec"`
	Status AppProjectStatus `json:"status,omitempty"`
}

// AppProjectList is a list of AppProjects.
//
// +kubebuilder:object:root=true
type AppProjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []AppProject `json:"items"`
}

// AppProjectSpec are the rules of a project.
//
// +kubebuilder:validation:XPreserveUnknownFields
type AppProjectSpec struct {
	// Description for people.
	Description string `json:"description,omitempty"`
	// SourceRepos are globs of the repositories Applications may use.
	SourceRepos []string `json:"sourceRepos,omitempty"`
	// Destinations are where Applications may deploy.
	Destinations []ApplicationDestination `json:"destinations,omitempty"`
	// ClusterResourceWhitelist are the cluster-wide kinds Applications may deploy.
	ClusterResourceWhitelist []ProjectKind `json:"clusterResourceWhitelist,omitempty"`
	// ClusterResourceBlacklist are cluster-wide kinds Applications may not deploy.
	ClusterResourceBlacklist []ProjectKind `json:"clusterResourceBlacklist,omitempty"`
	// NamespaceResourceWhitelist are the namespaced kinds Applications may deploy.
	NamespaceResourceWhitelist []ProjectKind `json:"namespaceResourceWhitelist,omitempty"`
	// NamespaceResourceBlacklist are namespaced kinds Applications may not deploy.
	NamespaceResourceBlacklist []ProjectKind `json:"namespaceResourceBlacklist,omitempty"`
	// SourceNamespaces are the namespaces whose Applications may use the project.
	SourceNamespaces []string `json:"sourceNamespaces,omitempty"`
	// DestinationServiceAccounts are whose rights a deployment uses, by destination.
	DestinationServiceAccounts []ApplicationDestinationServiceAccount `json:"destinationServiceAccounts,omitempty"`
}

// ProjectKind is a kind an AppProject's rule names, with globs.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ProjectKind struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
}

// ApplicationDestinationServiceAccount is whose rights a deployment to a destination uses.
//
// +kubebuilder:validation:XPreserveUnknownFields
type ApplicationDestinationServiceAccount struct {
	Server                string `json:"server"`
	Namespace             string `json:"namespace,omitempty"`
	DefaultServiceAccount string `json:"defaultServiceAccount"`
}

// AppProjectStatus is what was observed of a project.
type AppProjectStatus struct{}
