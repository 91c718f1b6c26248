package health

import (
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestNetwork(t *testing.T) {
	testRule(t, []ruleCase{
		{"cluster IP", "apiVersion: v1\nkind: Service\nspec: {type: ClusterIP}", healthy("")},
		{"load balancer pending", "apiVersion: v1\nkind: Service\nspec: {type: LoadBalancer}",
			prog("NoLoadBalancer", "waits for the load balancer's address")},
		{"load balancer", "apiVersion: v1\nkind: Service\nspec: {type: LoadBalancer}\nstatus: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}",
			healthy("lb.example.com")},
		{"ingress without address", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: {}", healthy("")},
		{"route admitted", `
apiVersion: route.openshift.io/v1
kind: Route
spec: {host: a.example.com}
status: {ingress: [{routerName: default, conditions: [{type: Admitted, status: "True"}]}]}`, healthy("a.example.com")},
		{"route refused", `
apiVersion: route.openshift.io/v1
kind: Route
status: {ingress: [{conditions: [{type: Admitted, status: "False", reason: HostAlreadyClaimed, message: taken}]}]}`,
			degraded("HostAlreadyClaimed", "taken")},
		{"route not seen", "apiVersion: route.openshift.io/v1\nkind: Route", prog("NotAdmitted", "waits for a router")},
	})
}

func TestAutoscaler(t *testing.T) {
	testRule(t, []ruleCase{
		{"new", "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler", prog("NotObserved", "not looked at yet")},
		{"no target", `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
status: {conditions: [{type: AbleToScale, status: "False", reason: FailedGetScale, message: 'deployments.apps "web" not found'}]}`,
			degraded("FailedGetScale", `deployments.apps "web" not found`)},
		{"no metrics", `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
status: {conditions: [{type: AbleToScale, status: "True"}, {type: ScalingActive, status: "False", reason: FailedGetResourceMetric, message: no metrics}]}`,
			model.Health{Status: model.Healthy, Reason: "FailedGetResourceMetric", Message: "does not scale: no metrics"}},
		{"active", `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
status: {conditions: [{type: AbleToScale, status: "True"}, {type: ScalingActive, status: "True"}]}`, healthy("")},
		{"budget with nothing to spare", `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {generation: 1}
status: {observedGeneration: 1, conditions: [{type: DisruptionAllowed, status: "False", reason: InsufficientPods}]}`, healthy("")},
		{"budget broken", `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {generation: 1}
status: {conditions: [{type: DisruptionAllowed, status: "False", reason: SyncFailed, message: no controller}]}`,
			degraded("SyncFailed", "no controller")},
	})
}

func TestExtension(t *testing.T) {
	testRule(t, []ruleCase{
		{"CRD new", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition", prog("NotEstablished", "not served yet")},
		{"CRD served", `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
status: {conditions: [{type: NamesAccepted, status: "True"}, {type: Established, status: "True"}]}`, healthy("")},
		{"CRD name taken", `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
status: {conditions: [{type: NamesAccepted, status: "False", reason: ListKindConflict, message: taken}]}`,
			failed("ListKindConflict", "taken")},
		{"API service down", `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
status: {conditions: [{type: Available, status: "False", reason: MissingEndpoints, message: no endpoints}]}`,
			prog("MissingEndpoints", "no endpoints")},
		{"namespace", "apiVersion: v1\nkind: Namespace\nstatus: {phase: Active}", healthy("")},
		{"namespace stuck", `
apiVersion: v1
kind: Namespace
metadata: {deletionTimestamp: 2026-01-01T00:00:00Z}
status: {phase: Terminating, conditions: [{type: NamespaceContentRemaining, status: "True", message: 'widgets. has 1 resource instances'}]}`,
			prog("Terminating", "being deleted: widgets. has 1 resource instances")},
	})
}

func TestForeign(t *testing.T) {
	testRule(t, []ruleCase{
		{"HelmRelease new", "apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {generation: 1}", prog("NotObserved", "not looked at yet")},
		{"HelmRelease done", `
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {generation: 1}
status: {observedGeneration: 1, phase: Succeeded, conditions: [{type: Released, status: "True", message: released}]}`, healthy("released")},
		{"HelmRelease failed", `
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {generation: 1}
status: {observedGeneration: 1, phase: DeployFailed, conditions: [{type: Released, status: "False", message: bad chart}]}`,
			degraded("DeployFailed", "bad chart")},
		{"HelmRelease at work", `
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {generation: 1}
status: {observedGeneration: 1, phase: Upgrading}`, prog("Upgrading", "Upgrading")},
		{"Application", `
apiVersion: argoproj.io/v1alpha1
kind: Application
status: {health: {status: Degraded, message: web is down}, operationState: {phase: Succeeded}}`,
			model.Health{Status: model.Degraded, Message: "web is down"}},
		{"Application syncing", `
apiVersion: argoproj.io/v1alpha1
kind: Application
status: {health: {status: Healthy}, operationState: {phase: Running, message: waiting}}`, prog("Syncing", "waiting")},
		{"Application with a word nobody knows", `
apiVersion: argoproj.io/v1alpha1
kind: Application
status: {health: {status: Great}}`, model.Health{Status: model.Unknown}},
		{"SealedSecret without status", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret", healthy("")},
		{"SealedSecret with another key", `
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
status: {conditions: [{type: Synced, status: "False", message: no key could decrypt secret (url)}]}`,
			degraded("NotSynced", "no key could decrypt secret (url)")},
		{"ExternalSecret new", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret", prog("NotObserved", "not synced yet")},
		{"ExternalSecret denied", `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
status: {conditions: [{type: Ready, status: "False", reason: SecretSyncedError, message: 403 on kv/shop}]}`,
			degraded("SecretSyncedError", "403 on kv/shop")},
		{"Certificate issuing", `
apiVersion: cert-manager.io/v1
kind: Certificate
status: {conditions: [{type: Ready, status: "False", reason: DoesNotExist, message: none}, {type: Issuing, status: "True", reason: DoesNotExist, message: issuing}]}`,
			prog("DoesNotExist", "issuing")},
		{"Certificate refused", `
apiVersion: cert-manager.io/v1
kind: Certificate
status: {conditions: [{type: Ready, status: "False"}, {type: Issuing, status: "False", reason: Failed, message: order failed}]}`,
			degraded("Failed", "order failed")},
	})
}
