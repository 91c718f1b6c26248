package health

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const apiSpec = `
containers: [{name: api, image: ghcr.io/shop/api:1.4.2-oops}]
restartPolicy: Always`

func pulling(reason, message string) string {
	return `
phase: Pending
containerStatuses: [{name: api, state: {waiting: {reason: ` + reason + `, message: '` + message + `'}}}]`
}

// The messages are containerd's and the kubelet's, as of 1.32 to 1.36.
func TestDiagnosePull(t *testing.T) {
	const prefix = `Back-off pulling image "ghcr.io/shop/api:1.4.2-oops": ErrImagePull: `
	testDiagnose(t, []diagnosisCase{
		{
			name: "tag not found", spec: apiSpec,
			status: pulling("ImagePullBackOff", prefix+`rpc error: code = NotFound desc = failed to pull and unpack image "ghcr.io/shop/api:1.4.2-oops": failed to resolve reference "ghcr.io/shop/api:1.4.2-oops": ghcr.io/shop/api:1.4.2-oops: not found`),
			options: func(o *Options) {
				o.Locate = func(text string) (string, bool) { return "values image.tag", text == "1.4.2-oops" }
			},
			want: `
Deployment/web 0/3 ready: ImagePullBackOff final
object: container api: ImagePullBackOff
event: "ghcr.io/shop/api:1.4.2-oops": failed to resolve reference "ghcr.io/shop/api:1.4.2-oops": ghcr.io/shop/api:1.4.2-oops: not found
cause: image ghcr.io/shop/api:1.4.2-oops: not found in ghcr.io
source: values image.tag
`},
		{
			name: "unauthorized, told by the event of an older kubelet", spec: apiSpec + "\nimagePullSecrets: [{name: regcred}]",
			status: pulling("ImagePullBackOff", `Back-off pulling image "ghcr.io/shop/api:1.4.2-oops"`),
			arrange: func(f *fixture) {
				f.secrets["regcred"] = map[string]string{".dockerconfigjson": "{}"}
				f.warn("Pod", "web-new-x2k", "Failed", `Failed to pull image "ghcr.io/shop/api:1.4.2-oops": rpc error: code = Unknown desc = failed to pull and unpack image "ghcr.io/shop/api:1.4.2-oops": failed to resolve reference "ghcr.io/shop/api:1.4.2-oops": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token: 401 Unauthorized`, 2)
			},
			want: `
Deployment/web 0/3 ready: ImagePullBackOff final
object: container api: ImagePullBackOff
event: "ghcr.io/shop/api:1.4.2-oops": failed to resolve reference "ghcr.io/shop/api:1.4.2-oops": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token: 401 Unauthorized
cause: image ghcr.io/shop/api:1.4.2-oops: ghcr.io refuses access, pull secret Secret/regcred
`},
		{
			name: "unauthorized, the pull secret is missing", spec: apiSpec + "\nimagePullSecrets: [{name: regcred}]",
			status: pulling("ErrImagePull", `failed to pull and unpack image "x": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`),
			want: `
Deployment/web 0/3 ready: ErrImagePull final
object: container api: ErrImagePull
event: "x": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed
cause: image ghcr.io/shop/api:1.4.2-oops: ghcr.io refuses access, pull secret Secret/regcred does not exist
`},
		{
			name: "unreachable once", spec: apiSpec,
			status: pulling("ErrImagePull", `rpc error: code = Unknown desc = failed to pull and unpack image "ghcr.io/shop/api:1.4.2-oops": failed to resolve reference "ghcr.io/shop/api:1.4.2-oops": failed to do request: Head "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.96.0.10:53: no such host`),
			want: `
Deployment/web 0/3 ready: ErrImagePull
object: container api: ErrImagePull
event: "ghcr.io/shop/api:1.4.2-oops": failed to resolve reference "ghcr.io/shop/api:1.4.2-oops": failed to do request: Head "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.96.0.10:53: no such host
cause: image ghcr.io/shop/api:1.4.2-oops: ghcr.io cannot be reached: dial tcp: lookup ghcr.io on 10.96.0.10:53: no such host
`},
		{
			name: "unreachable again and again", spec: apiSpec, status: pulling("ImagePullBackOff", ""),
			arrange: func(f *fixture) {
				f.warn("Pod", "web-new-x2k", "Failed", `Failed to pull image "ghcr.io/shop/api:1.4.2-oops": dial tcp 10.1.1.1:443: i/o timeout`, 4)
			},
			want: `
Deployment/web 0/3 ready: ImagePullBackOff final
object: container api: ImagePullBackOff
event: Failed to pull image "ghcr.io/shop/api:1.4.2-oops": dial tcp 10.1.1.1:443: i/o timeout
cause: image ghcr.io/shop/api:1.4.2-oops: ghcr.io cannot be reached: dial tcp 10.1.1.1:443: i/o timeout
`},
		{
			name: "invalid name", spec: "containers: [{name: api, image: 'Shop/API:1'}]",
			status: pulling("InvalidImageName", `Failed to apply default image tag "Shop/API:1": couldn''t parse image name "Shop/API:1": invalid reference format: repository name (Shop/API) must be lowercase`),
			want: `
Deployment/web 0/3 ready: InvalidImageName final
object: container api: InvalidImageName
event: Failed to apply default image tag "Shop/API:1": couldn't parse image name "Shop/API:1": invalid reference format: repository name (Shop/API) must be lowercase
cause: image "Shop/API:1" is not a valid image name
`},
		{
			name: "init container, platform", spec: `
initContainers: [{name: migrate, image: "shop/migrate:1.404"}]
containers: [{name: api, image: a}]`,
			status: `
phase: Pending
initContainerStatuses: [{name: migrate, state: {waiting: {reason: ErrImagePull, message: 'no match for platform in manifest: not found'}}}]
containerStatuses: [{name: api, state: {waiting: {reason: PodInitializing}}}]`,
			want: `
Deployment/web 0/3 ready: ErrImagePull final
object: init container migrate: ErrImagePull
event: no match for platform in manifest: not found
cause: image shop/migrate:1.404 has no variant for the node's platform
`},
	})
}

func crashed(exit, restarts, reason string) string {
	return `
phase: Running
containerStatuses:
- name: api
  restartCount: ` + restarts + `
  state: {waiting: {reason: CrashLoopBackOff}}
  lastState: {terminated: {exitCode: ` + exit + `, reason: ` + reason + `}}`
}

func TestDiagnoseCrash(t *testing.T) {
	const envSpec = `
restartPolicy: Always
containers:
- name: api
  image: a
  env:
  - {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: api-db, key: url, optional: true}}}
  - {name: LOG_LEVEL, valueFrom: {configMapKeyRef: {name: api, key: level}}}`
	testDiagnose(t, []diagnosisCase{
		{
			name: "a Secret's key that is missing", spec: envSpec, status: crashed("1", "3", "Error"),
			arrange: func(f *fixture) {
				f.logs["web-new-x2k/api"] = "starting\npanic: DATABASE_URL is empty\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:12\n"
				f.secrets["api-db"] = map[string]string{"uri": "postgres://shop:hunter22@db/shop"}
				f.configs["api"] = map[string]string{"level": "debug"}
				f.objects[model.ObjectKey{Group: "external-secrets.io", Kind: "ExternalSecret", Namespace: "dev", Name: "api-db"}] = map[string]any{
					"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": map[string]any{"name": "api-db"},
					"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False", "message": "403 on kv/shop/api"}}},
				}
			},
			want: `
Deployment/web 0/3 ready: MissingSecret final
object: container api: CrashLoopBackOff, exit 1, 3 restarts
log: starting
panic: DATABASE_URL is empty
goroutine 1 [running]:
main.main()
	/src/main.go:12
cause: env DATABASE_URL <- Secret/api-db key "url": key missing (has uri)
source: ExternalSecret/api-db: not synced: 403 on kv/shop/api
`},
		{
			name: "its own words, secrets struck out", spec: envSpec, status: crashed("1", "1", "Error"),
			arrange: func(f *fixture) {
				f.logs["web-new-x2k/api"] = "connecting to postgres://shop:hunter22@db/shop\nerror: password hunter22 is refused\n"
				f.secrets["api-db"] = map[string]string{"url": "postgres://shop:hunter22@db/shop", "password": "hunter22"}
				f.configs["api"] = map[string]string{"level": "debug"}
			},
			want: `
Deployment/web 0/3 ready: CrashLoopBackOff
object: container api: CrashLoopBackOff, exit 1, 1 restart
log: connecting to ***
error: password *** is refused
cause: error: password *** is refused
`},
		{
			name: "a Secret that cannot be read withholds the log", spec: envSpec, status: crashed("1", "2", "Error"),
			arrange: func(f *fixture) {
				f.logs["web-new-x2k/api"] = "the password is hunter22\n"
				f.denied[model.ObjectKey{Kind: "Secret", Namespace: "dev", Name: "api-db"}] = true
				f.configs["api"] = map[string]string{"level": "debug"}
			},
			want: `
Deployment/web 0/3 ready: CrashLoopBackOff final
object: container api: CrashLoopBackOff, exit 1, 2 restarts
log: (withheld: cannot read Secret/api-db to strike its values out: Secret "api-db" is forbidden: <nil>)
cause: container api ends with exit 1
`},
		{
			name: "out of memory", spec: `
containers: [{name: api, image: a, resources: {limits: {memory: 64Mi}}}]`, status: crashed("137", "2", "OOMKilled"),
			want: `
Deployment/web 0/3 ready: OOMKilled final
object: container api: CrashLoopBackOff, OOMKilled, exit 137, 2 restarts
cause: container api needs more memory than its limit of 64Mi
`},
		{
			name: "killed by its liveness probe", spec: `
containers: [{name: api, image: a, livenessProbe: {httpGet: {path: /live, port: 8080}}}]`, status: crashed("137", "2", "Error"),
			arrange: func(f *fixture) {
				f.warn("Pod", "web-new-x2k", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", 6)
			},
			want: `
Deployment/web 0/3 ready: LivenessProbeFailed final
object: container api: CrashLoopBackOff, exit 137, 2 restarts
cause: liveness probe GET :8080/live of container api answers 500, so the kubelet restarts container api
`},
		{
			name: "a dependency that may be starting", spec: apiSpec, status: crashed("1", "3", "Error"),
			arrange: func(f *fixture) {
				f.logs["web-new-x2k/api"] = "Error: connect ECONNREFUSED 10.0.0.3:5432\n"
			},
			want: `
Deployment/web 0/3 ready: CrashLoopBackOff
object: container api: CrashLoopBackOff, exit 1, 3 restarts
log: Error: connect ECONNREFUSED 10.0.0.3:5432
cause: Error: connect ECONNREFUSED 10.0.0.3:5432
`},
		{
			name: "runs again", spec: apiSpec, status: `
phase: Running
containerStatuses:
- name: api
  restartCount: 3
  state: {running: {startedAt: 2026-03-01T11:59:58Z}}
  lastState: {terminated: {exitCode: 1, reason: Error}}`,
			arrange: func(f *fixture) {
				f.logs["web-new-x2k/api"] = "starting\n"
				f.logs["web-new-x2k/api/previous"] = "fatal: no licence\n"
				f.warn("Pod", "web-new-x2k", "Unhealthy", "Readiness probe failed: of the container before", 1)
			},
			want: `
Deployment/web 0/3 ready: ContainerFailed
object: container api: exit 1, 3 restarts, runs again
log: fatal: no licence
cause: fatal: no licence
`},
		{
			name: "peers are starting", spec: apiSpec, status: crashed("3", "3", "Error"),
			options: func(o *Options) { o.PeersStarting = true },
			want: `
Deployment/web 0/3 ready: CrashLoopBackOff
object: container api: CrashLoopBackOff, exit 3, 3 restarts
cause: container api ends with exit 3
`},
		{
			name: "restarts before this rollout do not count", spec: apiSpec, status: crashed("3", "40", "Error"),
			options: func(o *Options) {
				o.Since = now.Add(-10 * time.Second)
				o.baseline = map[containerID]int32{{"p-new", "api"}: 39}
			},
			want: `
Deployment/web 0/3 ready: CrashLoopBackOff
object: container api: CrashLoopBackOff, exit 3, 40 restarts
cause: container api ends with exit 3
`},
		{
			name: "a command that does not exist", spec: apiSpec, status: `
phase: Running
containerStatuses:
- name: api
  restartCount: 2
  state: {waiting: {reason: CrashLoopBackOff}}
  lastState: {terminated: {exitCode: 128, reason: StartError, message: 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/app/serve": stat /app/serve: no such file or directory: unknown'}}`,
			want: `
Deployment/web 0/3 ready: StartError final
object: container api: CrashLoopBackOff, exit 128, 2 restarts
cause: exec: "/app/serve": stat /app/serve: no such file or directory
`},
		{
			name: "ends by itself", spec: apiSpec, status: crashed("0", "2", "Completed"),
			want: `
Deployment/web 0/3 ready: CrashLoopBackOff final
object: container api: CrashLoopBackOff, exit 0, 2 restarts
cause: container api ends by itself with exit 0, where it should keep running
`},
	})
}

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

func unscheduled(message string) string {
	return `
phase: Pending
conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, lastTransitionTime: 2026-03-01T11:59:30Z, message: '` + message + `'}]`
}

func TestDiagnoseSchedule(t *testing.T) {
	testDiagnose(t, []diagnosisCase{
		{name: "cpu", spec: "containers: [{name: api, resources: {requests: {cpu: 64}}}, {name: side, resources: {requests: {cpu: 500m}}}]",
			status: unscheduled("0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."),
			want: `
Deployment/web 0/3 ready: Unschedulable final
object: no node fits
cause: 0 of 3 nodes fit: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu; the pod requests cpu 64500m
`},
		{name: "node selector, early", spec: "nodeSelector: {disk: ssd}\ncontainers: [{name: api}]",
			status:  unscheduled("0/1 nodes are available: 1 node(s) didn''t match Pod''s node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
			options: func(o *Options) { o.Since = now.Add(-3 * time.Second) },
			want: `
Deployment/web 0/3 ready: Unschedulable
object: no node fits
cause: 0 of 1 nodes fit: 1 node(s) didn't match Pod's node affinity/selector; nodeSelector disk=ssd
`},
		{name: "an autoscaler makes a node", spec: "containers: [{name: api}]", status: unscheduled("0/1 nodes are available: 1 Too many pods."),
			arrange: func(f *fixture) {
				f.events = []corev1.Event{{
					InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-new-x2k"}, Type: corev1.EventTypeNormal,
					Reason: "TriggeredScaleUp", Message: "pod triggered scale-up: [{pool 1->2 (max: 3)}]",
				}}
			},
			want: `
Deployment/web 0/3 ready: Unschedulable
object: no node fits
cause: 0 of 1 nodes fit: 1 Too many pods
event: TriggeredScaleUp: pod triggered scale-up: [{pool 1->2 (max: 3)}]
`},
		{name: "claim that does not exist", spec: "containers: [{name: api}]",
			status: unscheduled(`0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`),
			want: `
Deployment/web 0/3 ready: MissingVolumeClaim final
object: no node fits
cause: PersistentVolumeClaim/data does not exist
`},
		{name: "claim without volume", spec: "containers: [{name: api}]\nvolumes: [{name: data, persistentVolumeClaim: {claimName: data}}]",
			status: unscheduled(`0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`),
			arrange: func(f *fixture) {
				f.objects[model.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: "dev", Name: "data"}] = map[string]any{
					"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": map[string]any{"name": "data"}, "status": map[string]any{"phase": "Pending"},
				}
				f.warn("PersistentVolumeClaim", "data", "ProvisioningFailed", `storageclass.storage.k8s.io "fast" not found`, 7)
			},
			want: `
Deployment/web 0/3 ready: ProvisioningFailed final
object: no node fits
object: waits for a volume: no storage class
cause: PersistentVolumeClaim/data: storageclass.storage.k8s.io "fast" not found
`},
	})
}

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

func TestDiagnoseProbe(t *testing.T) {
	const spec = `
containers: [{name: api, image: a, ports: [{containerPort: 5000}], readinessProbe: {httpGet: {path: /health, port: 8080}}}]`
	const running = `
phase: Running
containerStatuses: [{name: api, ready: false, started: true, state: {running: {}}}]`
	testDiagnose(t, []diagnosisCase{
		{name: "status", spec: spec, status: running,
			arrange: func(f *fixture) {
				f.warn("Pod", "web-new-x2k", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 9)
				f.logs["web-new-x2k/api"] = "GET /health 503\n"
			}, want: `
Deployment/web 0/3 ready: ReadinessProbeFailed
object: container api runs, not ready
log: GET /health 503
cause: readiness probe GET :8080/health of container api answers 503
`},
		{name: "refused, after the deadline", spec: spec, status: running,
			arrange: func(f *fixture) {
				f.objects[webKey]["status"].(map[string]any)["conditions"] = []any{map[string]any{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}}
				f.warn("Pod", "web-new-x2k", "Unhealthy", `Readiness probe failed: Get "http://10.244.0.9:8080/health": dial tcp 10.244.0.9:8080: connect: connection refused`, 9)
			}, want: `
Deployment/web 0/3 ready: ReadinessProbeFailed final
object: container api runs, not ready
cause: readiness probe GET :8080/health of container api: Get "http://10.244.0.9:8080/health": dial tcp 10.244.0.9:8080: connect: connection refused
`},
		{name: "nothing reported", spec: spec, status: running, want: `
Deployment/web 0/3 ready: PodsNotReady
object: container api runs, not ready
cause: not ready after 1m0s
`},
	})
}

func TestDiagnosePodGone(t *testing.T) {
	testDiagnose(t, []diagnosisCase{
		{name: "evicted", spec: apiSpec, status: `{phase: Failed, reason: Evicted, message: "The node was low on resource: ephemeral-storage. "}`, want: `
Deployment/web 0/3 ready: Evicted
object: Evicted
cause: The node was low on resource: ephemeral-storage.
`},
		{name: "node down", spec: "nodeName: n1\ncontainers: [{name: api}]", status: "phase: Running\ncontainerStatuses: [{name: api, ready: true, state: {running: {}}}]",
			arrange: func(f *fixture) {
				f.objects[model.ObjectKey{Kind: "Node", Name: "n1"}] = map[string]any{
					"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}}},
				}
			}, want: `
Deployment/web 0/3 ready: NodeNotReady
object: on Node/n1
cause: Node/n1 is not ready: Kubelet stopped posting node status.
`},
	})
}

// A failed read is told, never taken for "nothing is wrong".
func TestDiagnoseUnreadable(t *testing.T) {
	f := rollout(t, apiSpec, "phase: Running")
	f.denied[model.ObjectKey{Kind: "Pod"}] = true
	if _, err := Diagnose(t.Context(), f, webKey, Options{Now: now}); err == nil {
		t.Error("forbidden pods gave no error")
	}
}

func TestDiagnoseStatefulSet(t *testing.T) {
	key := model.ObjectKey{Group: "apps", Kind: "StatefulSet", Namespace: "dev", Name: "db"}
	yes := true
	pod := func(name, revision, reason string) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "dev", Labels: map[string]string{"app": "db", labelRevisionHash: revision},
				OwnerReferences: []metav1.OwnerReference{{UID: "s1", Controller: &yes}}, CreationTimestamp: metav1.NewTime(now.Add(-time.Minute))},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: "db:1"}}},
			Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
				Name: "db", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "not found"}}}}},
		}
	}
	f := &fixture{objects: map[model.ObjectKey]map[string]any{key: parse(t, `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: dev, uid: s1, generation: 2}
spec: {replicas: 2, selector: {matchLabels: {app: db}}}
status: {observedGeneration: 2, replicas: 2, readyReplicas: 0, currentRevision: a, updateRevision: b, updatedReplicas: 1}`)}}
	for _, tc := range []struct {
		name string
		pods []corev1.Pod
		want string
	}{
		{"the new pod fails", []corev1.Pod{pod("db-0", "a", "CrashLoopBackOff"), pod("db-1", "b", "ErrImagePull")}, "image db:1: not found in docker.io"},
		{"an old pod holds the update up", []corev1.Pod{pod("db-0", "a", "ErrImagePull")}, "image db:1: not found in docker.io"},
	} {
		f.pods = tc.pods
		causes, err := Diagnose(t.Context(), f, key, Options{Now: now})
		if err != nil || len(causes) != 1 || causes[0].Root() != tc.want {
			t.Errorf("%s: causes %+v, error %v", tc.name, causes, err)
		}
	}
}
