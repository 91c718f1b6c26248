// Package v1 holds the HelmRelease of the Helm Operator 1.x (helm.fluxcd.io/v1), field by field as
// its custom resource definition has it, so that manifests written for it work unchanged.
//
// The types describe; they do nothing. Fields that are not listed here are kept by the API server
// (each struct of the spec preserves unknown fields), so that they can be reported by their path.
//
// +kubebuilder:object:generate=true
// +groupName=helm.fluxcd.io
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is helm.fluxcd.io/v1.
var GroupVersion = schema.GroupVersion{Group: "helm.fluxcd.io", Version: "v1"}

// AddToScheme registers the kinds of this group and version.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &HelmRelease{}, &HelmReleaseList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
