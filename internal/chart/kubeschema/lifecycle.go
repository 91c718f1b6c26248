package kubeschema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Lifecycle says when an API goes.
type Lifecycle struct {
	APIVersion  string `json:"apiVersion"`
	Kind        string `json:"kind"`
	Deprecated  int    `json:"deprecated"`        // minor version of Kubernetes 1; 0 is unknown
	Removed     int    `json:"removed,omitempty"` // 0 is not planned
	Replacement string `json:"replacement,omitempty"`
}

// gone are APIs whose types have left k8s.io/api, or were never in it. Source: the deprecated API
// migration guide, https://kubernetes.io/docs/reference/using-api/deprecation-guide/, and the
// release notes of Kubernetes 1.33 for Endpoints and of 1.19 for ComponentStatus.
var gone = []Lifecycle{
	{"admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", 16, 22, "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration"},
	{"admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", 16, 22, "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration"},
	{"apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", 16, 22, "apiextensions.k8s.io/v1 CustomResourceDefinition"},
	{"apiregistration.k8s.io/v1beta1", "APIService", 19, 22, "apiregistration.k8s.io/v1 APIService"},
	{"autoscaling/v2beta1", "HorizontalPodAutoscaler", 22, 25, "autoscaling/v2 HorizontalPodAutoscaler"},
	{"autoscaling/v2beta2", "HorizontalPodAutoscaler", 23, 26, "autoscaling/v2 HorizontalPodAutoscaler"},
	{"batch/v2alpha1", "CronJob", 8, 21, "batch/v1 CronJob"},
	{"extensions/v1beta1", "PodSecurityPolicy", 10, 16, ""},
	{"policy/v1beta1", "PodSecurityPolicy", 21, 25, ""},
	{"storage.k8s.io/v1beta1", "CSIStorageCapacity", 24, 27, "storage.k8s.io/v1 CSIStorageCapacity"},
	{"storage.k8s.io/v1beta1", "StorageClass", 19, 22, "storage.k8s.io/v1 StorageClass"},
	{"v1", "ComponentStatus", 19, 0, ""},
	{"v1", "Endpoints", 33, 0, "discovery.k8s.io/v1 EndpointSlice"},
}

var lifecycles = sync.OnceValues(func() (map[string]Lifecycle, error) {
	text, err := files.ReadFile("data/lifecycle.json")
	if err != nil {
		return nil, fmt.Errorf("reading the lifecycles of APIs: %w", err)
	}
	var d struct{ Lifecycles []Lifecycle }
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading the lifecycles of APIs: %w", err)
	}
	all := map[string]Lifecycle{}
	for _, l := range slices.Concat(gone, d.Lifecycles) {
		all[l.APIVersion+"/"+l.Kind] = l
	}
	return all, nil
})

// Ends says when an API goes; the second value is false for one that stays.
func Ends(apiVersion, kind string) (Lifecycle, bool, error) {
	all, err := lifecycles()
	l, ok := all[apiVersion+"/"+kind]
	return l, ok, err
}

// Gone reports whether a version of Kubernetes no longer has an API.
func (l Lifecycle) Gone(s *Schemas) bool { return l.Removed > 0 && l.Removed <= s.minor }

// Going reports whether a version of Kubernetes warns of an API.
func (l Lifecycle) Going(s *Schemas) bool { return l.Deprecated > 0 && l.Deprecated <= s.minor }

// removedGroup reports whether a group was Kubernetes' own and is no more.
func removedGroup(group string) bool {
	all, err := lifecycles()
	if err != nil {
		return false
	}
	for id := range all {
		if strings.HasPrefix(id, group+"/") {
			return true
		}
	}
	return false
}
