package rbac

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Resource is where objects of a kind are served.
type Resource struct {
	Group, Name string // "apps", "deployments"
	Namespaced  bool
	Guessed     bool // nobody knows the kind: it was taken for what kinds usually are
}

// Resolver tells the resource of a kind. ok is false when it does not know it.
type Resolver func(gvk schema.GroupVersionKind) (r Resource, ok bool)

// kinds resolves kinds: those of the chart's own CRDs, those of Kubernetes, those that ask knows.
type kinds struct {
	defined map[schema.GroupKind]Resource
	ask     Resolver // may be nil
}

// define learns from a CustomResourceDefinition, and reports whether it could be read.
func (k *kinds) define(o *model.Object) bool {
	if o.Key.Kind != "CustomResourceDefinition" {
		return true
	}
	var crd struct {
		Spec struct {
			Group, Scope string
			Names        struct{ Kind, Plural string }
		}
	}
	if err := json.Unmarshal(o.Body, &crd); err != nil || crd.Spec.Names.Plural == "" {
		return false
	}
	gk := schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}
	k.defined[gk] = Resource{Group: crd.Spec.Group, Name: crd.Spec.Names.Plural, Namespaced: crd.Spec.Scope != "Cluster"}
	return true
}

func (k *kinds) of(o *model.Object) Resource {
	gvk := schema.GroupVersionKind{Group: o.Key.Group, Version: o.Version, Kind: o.Key.Kind}
	if r, ok := k.defined[gvk.GroupKind()]; ok {
		return r
	}
	if k.ask != nil {
		if r, ok := k.ask(gvk); ok {
			return r
		}
	}
	r := Resource{Group: gvk.Group, Name: plural(gvk.Kind), Namespaced: true}
	if isBuiltin(gvk.Group) {
		r.Namespaced = !slices.Contains(clusterKinds[gvk.Group], gvk.Kind)
		return r
	}
	r.Guessed = !slices.Contains(wellKnown, gvk.Group)
	if o.Key.Namespace == "" && looksClusterWide(gvk.GroupKind()) {
		r.Namespaced = false
	}
	return r
}

// plural follows the rules of English, as all of Kubernetes' own kinds do, and what generators make of
// others' kinds (sigs.k8s.io/controller-tools, by gobuffalo/flect).
func plural(kind string) string {
	k := strings.ToLower(kind)
	ends := func(suffixes ...string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(k, s) })
	}
	switch {
	case ends("endpoints", "constraints"): // plurals already
		return k
	case ends("ay", "ey", "oy", "uy", "iy"):
		return k + "s"
	case ends("y"):
		return k[:len(k)-1] + "ies"
	case ends("s", "x", "ch", "sh"):
		return k + "es"
	}
	return k + "s"
}

// clusterKinds are the kinds of Kubernetes whose objects live in no namespace, by group
// (kubectl api-resources --namespaced=false, 1.36, and those that older versions had).
var clusterKinds = map[string][]string{
	"": {"Namespace", "Node", "PersistentVolume", "ComponentStatus"},
	"admissionregistration.k8s.io": {
		"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy",
		"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"internal.apiserver.k8s.io":    {"StorageVersion"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"policy":                       {"PodSecurityPolicy"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "ResourceSlice", "DeviceTaintRule"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
	"storagemigration.k8s.io":      {"StorageVersionMigration"},
}

// namespacedGroups are the groups of Kubernetes that have no such kinds.
var namespacedGroups = []string{"apps", "batch", "autoscaling", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "authentication.k8s.io", "authorization.k8s.io"}

func isBuiltin(group string) bool {
	_, ok := clusterKinds[group]
	return ok || slices.Contains(namespacedGroups, group)
}

// knownClusterWide are kinds of others that the names below do not give away.
var knownClusterWide = []schema.GroupKind{
	{Group: "security.openshift.io", Kind: "SecurityContextConstraints"},
	{Group: "project.openshift.io", Kind: "Project"},
	{Group: "karpenter.sh", Kind: "NodePool"},
}

// wellKnown are groups of others whose kinds are all called and scoped as is guessed here.
var wellKnown = []string{
	"argoproj.io", "bitnami.com", "cert-manager.io", "acme.cert-manager.io", "external-secrets.io", "gateway.networking.k8s.io", "keda.sh",
	"monitoring.coreos.com", "networking.istio.io", "route.openshift.io", "security.istio.io", "security.openshift.io", "snapshot.storage.k8s.io", "traefik.io",
}

// looksClusterWide guesses by the names that authors of CRDs give such kinds.
func looksClusterWide(gk schema.GroupKind) bool {
	return strings.HasPrefix(gk.Kind, "Cluster") && gk.Kind != "Cluster" ||
		strings.HasPrefix(gk.Kind, "Global") || strings.HasSuffix(gk.Kind, "Class") ||
		slices.Contains(knownClusterWide, gk)
}
