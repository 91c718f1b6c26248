package health

import (
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func configError(message string) string {
	return `
phase: Pending
containerStatuses: [{name: api, state: {waiting: {reason: CreateContainerConfigError, message: '` + message + `'}}}]`
}

func TestDiagnoseMissing(t *testing.T) {
	const spec = `
containers:
- name: api
  image: a
  env: [{name: DATABASE_URL, valueFrom: {secretKeyRef: {name: api-db, key: url}}}]
  envFrom: [{configMapRef: {name: settings}}]
volumes: [{name: tls, secret: {secretName: api-tls}}, {name: settings, configMap: {name: settings}}]`
	testDiagnose(t, []diagnosisCase{
		{name: "Secret", spec: spec, status: configError(`secret "api-db" not found`), want: `
Deployment/web 0/3 ready: MissingSecret final
object: container api: CreateContainerConfigError
cause: env DATABASE_URL <- Secret/api-db: does not exist
`},
		{name: "key", spec: spec, status: configError(`couldn''t find key url in Secret dev/api-db`),
			arrange: func(f *fixture) { f.secrets["api-db"] = map[string]string{"URL": "secret"} }, want: `
Deployment/web 0/3 ready: MissingSecret final
object: container api: CreateContainerConfigError
cause: env DATABASE_URL <- Secret/api-db key "url": key missing (has URL)
`},
		{name: "ConfigMap of envFrom", spec: spec, status: configError(`configmap "settings" not found`), want: `
Deployment/web 0/3 ready: MissingConfigMap final
object: container api: CreateContainerConfigError
cause: envFrom <- ConfigMap/settings: does not exist
`},
		{name: "too early to tell", spec: spec, status: configError(`secret "api-db" not found`),
			options: func(o *Options) { o.Since = now.Add(-time.Second) }, want: `
Deployment/web 0/3 ready: MissingSecret
object: container api: CreateContainerConfigError
cause: env DATABASE_URL <- Secret/api-db: does not exist
`},
		{name: "the release brings it", spec: spec, status: configError(`secret "api-db" not found`),
			options: func(o *Options) {
				o.Release = []model.ObjectKey{{Kind: "Secret", Namespace: "dev", Name: "api-db"}}
			}, want: `
Deployment/web 0/3 ready: MissingSecret
object: container api: CreateContainerConfigError
cause: env DATABASE_URL <- Secret/api-db: does not exist
`},
		{name: "a SealedSecret of another name makes it", spec: spec, status: configError(`secret "api-db" not found`),
			arrange: func(f *fixture) {
				f.objects[model.ObjectKey{Group: "bitnami.com", Kind: "SealedSecret", Namespace: "dev", Name: "database"}] = map[string]any{
					"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
					"spec":   map[string]any{"template": map[string]any{"metadata": map[string]any{"name": "api-db"}}},
					"status": map[string]any{"conditions": []any{map[string]any{"type": "Synced", "status": "False", "message": "no key could decrypt secret (url)"}}},
				}
			},
			options: func(o *Options) {
				o.Release = []model.ObjectKey{{Group: "bitnami.com", Kind: "SealedSecret", Namespace: "dev", Name: "database"}}
			}, want: `
Deployment/web 0/3 ready: MissingSecret final
object: container api: CreateContainerConfigError
cause: env DATABASE_URL <- Secret/api-db: does not exist
source: SealedSecret/database: not synced: no key could decrypt secret (url)
`},
		{name: "is there by now", spec: spec, status: configError(`secret "api-db" not found`),
			arrange: func(f *fixture) { f.secrets["api-db"] = map[string]string{"url": "secret"} }, want: `
Deployment/web 0/3 ready: PodsNotReady
object: container api: CreateContainerConfigError
cause: env DATABASE_URL <- Secret/api-db exists by now: the container starts at the next try
`},
		{name: "runs as root", spec: spec, status: configError(`container has runAsNonRoot and image will run as root (pod: "web", container: api)`), want: `
Deployment/web 0/3 ready: CreateContainerConfigError final
object: container api: CreateContainerConfigError
cause: container has runAsNonRoot and image will run as root (pod: "web", container: api)
`},
		{name: "volume", spec: spec, status: "phase: Pending\ncontainerStatuses: [{name: api, state: {waiting: {reason: ContainerCreating}}}]",
			arrange: func(f *fixture) {
				f.warn("Pod", "web-new-x2k", "FailedMount", `MountVolume.SetUp failed for volume "tls" : secret "api-tls" not found`, 6)
			}, want: `
Deployment/web 0/3 ready: MissingSecret final
object: ContainerCreating for 1m0s
event: FailedMount (6 times): MountVolume.SetUp failed for volume "tls" : secret "api-tls" not found
cause: volume tls <- Secret/api-tls: does not exist
`},
		{name: "key of a volume", spec: spec, status: "phase: Pending",
			arrange: func(f *fixture) {
				f.configs["settings"] = map[string]string{"b": ""}
				f.warn("Pod", "web-new-x2k", "FailedMount", `MountVolume.SetUp failed for volume "settings" : references non-existent config key: a.yaml`, 1)
			}, want: `
Deployment/web 0/3 ready: MissingConfigMap final
object: ContainerCreating for 1m0s
event: FailedMount: MountVolume.SetUp failed for volume "settings" : references non-existent config key: a.yaml
cause: volume settings <- ConfigMap/settings key "a.yaml": key missing (has b)
`},
		{name: "what the cluster brings", spec: "containers: [{name: api}]\nvolumes: [{name: token, projected: {sources: [{configMap: {name: kube-root-ca.crt}}]}}]",
			status: "phase: Pending", arrange: func(f *fixture) {
				f.warn("Pod", "web-new-x2k", "FailedMount", `MountVolume.SetUp failed for volume "token" : configmap "kube-root-ca.crt" not found`, 1)
			}, want: `
Deployment/web 0/3 ready: MissingConfigMap
object: ContainerCreating for 1m0s
event: FailedMount: MountVolume.SetUp failed for volume "token" : configmap "kube-root-ca.crt" not found
cause: volume token <- ConfigMap/kube-root-ca.crt: does not exist
`},
		{name: "volume driver", spec: spec, status: "phase: Pending",
			arrange: func(f *fixture) {
				f.warn("Pod", "web-new-x2k", "FailedMount", `MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = mount failed`, 3)
			}, want: `
Deployment/web 0/3 ready: FailedMount
object: ContainerCreating for 1m0s
event: FailedMount (3 times): MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = mount failed
cause: MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = mount failed
`},
	})
}
