package health

import (
	"testing"
	"time"
)

func TestDiagnoseRefused(t *testing.T) {
	for _, tc := range []struct {
		name, message, reason, cause string
		final                        bool
	}{
		{"quota", `Error creating: pods "web-new-abcde" is forbidden: exceeded quota: small, requested: requests.cpu=500m, used: requests.cpu=0, limited: requests.cpu=100m`,
			"QuotaExceeded", "exceeded quota: small, requested: requests.cpu=500m, used: requests.cpu=0, limited: requests.cpu=100m", true},
		{"pod security", `Error creating: pods "web-new-abcde" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "api" must set securityContext.allowPrivilegeEscalation=false)`,
			"PodSecurity", `violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "api" must set securityContext.allowPrivilegeEscalation=false)`, true},
		{"webhook", `Error creating: admission webhook "validate.kyverno.svc-fail" denied the request: resource Pod/dev/ was blocked due to the following policies`,
			"AdmissionDenied", `admission webhook "validate.kyverno.svc-fail" denied the request: resource Pod/dev/ was blocked due to the following policies`, true},
		{"webhook down", `Error creating: Internal error occurred: failed calling webhook "inject.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject": dial tcp 10.96.1.1:443: connect: connection refused`,
			"WebhookUnreachable", `Internal error occurred: failed calling webhook "inject.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject": dial tcp 10.96.1.1:443: connect: connection refused`, false},
		{"service account", `Error creating: pods "web-new-" is forbidden: error looking up service account dev/web: serviceaccount "web" not found`,
			"MissingServiceAccount", `error looking up service account dev/web: serviceaccount "web" not found`, true},
		{"service account that every namespace gets", `Error creating: pods "web-new-" is forbidden: error looking up service account dev/default: serviceaccount "default" not found`,
			"MissingServiceAccount", `error looking up service account dev/default: serviceaccount "default" not found`, false},
		{"limit range", `Error creating: pods "web-new-" is forbidden: minimum cpu usage per Container is 100m, but request is 10m`,
			"LimitRange", `minimum cpu usage per Container is 100m, but request is 10m`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := rollout(t, "", "")
			f.warn("ReplicaSet", "web-new", "FailedCreate", tc.message, 5)
			causes, err := Diagnose(t.Context(), f, webKey, Options{Now: now})
			if err != nil || len(causes) != 1 {
				t.Fatalf("causes %+v, error %v", causes, err)
			}
			c := causes[0]
			if c.Reason != tc.reason || c.Root() != tc.cause || c.Final != tc.final {
				t.Errorf("got %s final=%v %q", c.Reason, c.Final, c.Root())
			}
		})
	}
}

// While old pods run, a rolling update may yet get room under the quota.
func TestDiagnoseQuotaDuringUpdate(t *testing.T) {
	f := rollout(t, "", "")
	f.warn("ReplicaSet", "web-new", "FailedCreate", `Error creating: pods "web-new-a" is forbidden: exceeded quota: small`, 1)
	causes, again, err := diagnose(t.Context(), f, webKey, Options{Now: now, Since: now.Add(-10 * time.Second)})
	if err != nil || len(causes) != 1 || causes[0].Final || again != 20*time.Second {
		t.Errorf("causes %+v, again in %s, error %v", causes, again, err)
	}
}
