package e2e

import "testing"

// TestHooks: hooks before and after a release run on install and on upgrade.
func TestHooks(t *testing.T) {
	s := tell(t, "hooks")
	const repo = "hooks/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/migrate.yaml"] = `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade,post-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "example.com/migrate:1.0"}]
`
	s.commit(repo, "main", files)
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.released(s.ns, "web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two"}}}`)
	s.released(s.ns, "web")
}
