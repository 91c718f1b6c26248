package health

import (
	"testing"
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
