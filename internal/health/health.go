package health

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Reasons that callers branch on; others are passed on from the object's own status.
const (
	// ReasonNotObserved: the kind's controller has not looked at the current generation yet.
	ReasonNotObserved = "NotObserved"
	// ReasonPodsNotReady: pods exist or should, and are not ready.
	ReasonPodsNotReady = "PodsNotReady"
	// ReasonTerminating: the object is being deleted.
	ReasonTerminating = "Terminating"
	// ReasonReplicaFailure: the API server refuses the workload's pods.
	ReasonReplicaFailure = "ReplicaFailure"
)

// groupKind is a kind whatever its version.
type groupKind struct{ group, kind string }

type rule func(content) model.Health

// Of judges one object by its content, as unstructured JSON. It is pure: the same content gives
// the same health.
func Of(obj map[string]any) model.Health {
	c := content(obj)
	group, kind := c.group(), c.str("kind")
	if c.str("metadata", "deletionTimestamp") != "" && !finished(c, group, kind) {
		return terminating(c)
	}
	if r := ruleFor(group, kind); r != nil {
		return r(c)
	}
	if !HasRule(group, kind) {
		return healthy("")
	}
	return byConditions(c)
}

// HasRule reports whether the health of this kind depends on the object's content. Kinds for
// which it is false (ConfigMap, Secret, RBAC, ...) are healthy as soon as they exist, and need not
// be read in full. Kinds that are not known may say something in their conditions: true.
func HasRule(group, kind string) bool {
	if ruleFor(group, kind) != nil {
		return true
	}
	switch group {
	case "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io",
		"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "admissionregistration.k8s.io":
		return false
	case "":
		// The core group has no kind that is not known: Node and PersistentVolume have a state,
		// but not one that a release waits for.
		return false
	}
	switch (groupKind{group, kind}) {
	case groupKind{"apps", "ControllerRevision"}, groupKind{"networking.k8s.io", "NetworkPolicy"},
		groupKind{"networking.k8s.io", "IngressClass"}:
		return false
	}
	return true
}

// ruleFor is the table of kinds that have a rule of their own.
func ruleFor(group, kind string) rule {
	switch (groupKind{group, kind}) {
	case groupKind{"apps", "Deployment"}:
		return deployment
	case groupKind{"apps", "StatefulSet"}:
		return statefulSet
	case groupKind{"apps", "DaemonSet"}:
		return daemonSet
	case groupKind{"apps", "ReplicaSet"}, groupKind{"", "ReplicationController"}:
		return replicaSet
	case groupKind{"", "Pod"}:
		return pod
	case groupKind{"batch", "Job"}:
		return job
	case groupKind{"batch", "CronJob"}:
		return cronJob
	case groupKind{"", "PersistentVolumeClaim"}:
		return volumeClaim
	case groupKind{"", "Service"}:
		return service
	case groupKind{"", "Namespace"}:
		return namespace
	case groupKind{"networking.k8s.io", "Ingress"}, groupKind{"extensions", "Ingress"}:
		return ingress
	case groupKind{"autoscaling", "HorizontalPodAutoscaler"}:
		return autoscaler
	case groupKind{"policy", "PodDisruptionBudget"}:
		return disruptionBudget
	case groupKind{"apiextensions.k8s.io", "CustomResourceDefinition"}:
		return customResourceDefinition
	case groupKind{"apiregistration.k8s.io", "APIService"}:
		return apiService
	}
	return foreignRuleFor(group, kind)
}

// foreignRuleFor is the table of kinds that other projects define.
func foreignRuleFor(group, kind string) rule {
	switch (groupKind{group, kind}) {
	case groupKind{"helm.fluxcd.io", "HelmRelease"}:
		return helmRelease
	case groupKind{"argoproj.io", "Application"}:
		return application
	case groupKind{"bitnami.com", "SealedSecret"}:
		return sealedSecret
	case groupKind{"external-secrets.io", "ExternalSecret"}:
		return externalSecret
	case groupKind{"cert-manager.io", "Certificate"}:
		return certificate
	case groupKind{"route.openshift.io", "Route"}:
		return route
	}
	return nil
}

func healthy(message string) model.Health {
	return model.Health{Status: model.Healthy, Message: message}
}

func suspended(reason, message string) model.Health {
	return model.Health{Status: model.Suspended, Reason: reason, Message: message}
}

func progressing(reason, format string, args ...any) model.Health {
	return model.Health{Status: model.Progressing, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func degraded(reason, message string) model.Health {
	return model.Health{Status: model.Degraded, Reason: reason, Message: message}
}

// failed is degraded for good: no waiting will help.
func failed(reason, message string) model.Health {
	return model.Health{Status: model.Degraded, Reason: reason, Message: message, Final: true}
}

func notObserved(c content) model.Health {
	return progressing(ReasonNotObserved, "generation %d is not observed yet", c.num("metadata", "generation"))
}

func terminating(c content) model.Health {
	for _, kind := range []string{"NamespaceDeletionContentFailure", "NamespaceContentRemaining"} {
		if cond := c.condition(kind); cond.isTrue() && c.str("kind") == "Namespace" {
			return progressing(ReasonTerminating, "being deleted: %s", cond.text())
		}
	}
	return progressing(ReasonTerminating, "being deleted")
}
