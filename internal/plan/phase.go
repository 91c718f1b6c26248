package plan

import (
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	kindCRD  = "CustomResourceDefinition"
	groupCRD = "apiextensions.k8s.io"
)

// phase is when an object is applied. The fewer phases, the fewer round trips: objects are kept
// apart only where one must exist before the other is sent.
type phase int

const (
	phaseFoundation phase = iota // what others are put into, or are instances of
	phaseConfig                  // what workloads refer to
	phaseBinding                 // after the roles: the escalation check reads them
	phaseWorkload                // everything else
	phaseAdmission               // what can refuse or reroute requests, when all the rest is there
)

// kindPhases names the kinds that are not workloads. Keys are "Kind" for built-in groups: no kind
// here exists in two of them with different needs.
var kindPhases = map[string]phase{
	"Namespace": phaseFoundation, kindCRD: phaseFoundation, "ClusterRole": phaseFoundation,
	"PriorityClass": phaseFoundation, "StorageClass": phaseFoundation, "IngressClass": phaseFoundation,
	"RuntimeClass": phaseFoundation, "CSIDriver": phaseFoundation, "PersistentVolume": phaseFoundation,

	"ServiceAccount": phaseConfig, "Secret": phaseConfig, "ConfigMap": phaseConfig, "Role": phaseConfig,
	"PersistentVolumeClaim": phaseConfig, "ResourceQuota": phaseConfig, "LimitRange": phaseConfig,
	"Service": phaseConfig, "Endpoints": phaseConfig, "EndpointSlice": phaseConfig,
	"NetworkPolicy": phaseConfig, "PodDisruptionBudget": phaseConfig,

	"RoleBinding": phaseBinding, "ClusterRoleBinding": phaseBinding,

	"ValidatingWebhookConfiguration": phaseAdmission, "MutatingWebhookConfiguration": phaseAdmission,
	"ValidatingAdmissionPolicy": phaseAdmission, "ValidatingAdmissionPolicyBinding": phaseAdmission,
	"MutatingAdmissionPolicy": phaseAdmission, "MutatingAdmissionPolicyBinding": phaseAdmission,
	"APIService": phaseAdmission,
}

func phaseOf(k model.ObjectKey) phase {
	if p, ok := kindPhases[k.Kind]; ok && builtIn(k.Group) {
		return p
	}
	return phaseWorkload
}

// builtIn reports whether a group is served by Kubernetes itself. Groups below k8s.io other than
// snapshots and the like belong to it too; what matters is only that no one else's "Service" or
// "Role" is taken for the real one.
func builtIn(group string) bool {
	switch group {
	case "", "apps", "batch", "autoscaling", "policy", groupCRD, "rbac.authorization.k8s.io",
		"networking.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io", "discovery.k8s.io",
		"admissionregistration.k8s.io", "apiregistration.k8s.io":
		return true
	}
	return false
}

// step is a change and its place in the order.
type step struct {
	wave   int
	phase  phase
	change model.Change
}

// ordered puts steps into phases: by wave first, then by phase; objects of a phase by key, so that
// the same input gives the same plan.
func ordered(steps []step) [][]model.Change {
	slices.SortFunc(steps, func(a, b step) int {
		if a.wave != b.wave {
			return a.wave - b.wave
		}
		if a.phase != b.phase {
			return int(a.phase - b.phase)
		}
		return a.change.Key.Compare(b.change.Key)
	})
	var phases [][]model.Change
	for i, s := range steps {
		if i == 0 || s.wave != steps[i-1].wave || s.phase != steps[i-1].phase {
			phases = append(phases, nil)
		}
		last := len(phases) - 1
		phases[last] = append(phases[last], s.change)
	}
	return phases
}
