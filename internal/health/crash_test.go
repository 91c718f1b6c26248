package health

import (
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

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
