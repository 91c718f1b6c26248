// Package v1alpha1 holds Argo CD's Application and AppProject (argoproj.io/v1alpha1), with the
// fields of its custom resource definitions that Fairlead reads or writes, so that manifests
// written for it work unchanged.
//
// The types describe; they do nothing. Fields that are not listed here are kept by the API server
// (each struct of the spec preserves unknown fields), so that they can be reported by their path.
// As in Argo CD, status is no subresource of an Application.
//
// +kubebuilder:object:generate=true
// +groupName=argoproj.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is argoproj.io/v1alpha1.
var GroupVersion = schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}

// AddToScheme registers the kinds of this group and version.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &Application{}, &ApplicationList{}, &AppProject{}, &AppProjectList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
