package health

import (
	"testing"
)

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
