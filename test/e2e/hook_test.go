package e2e

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// hooked is the chart web with a Job as hook; the value migrate is what the simulated node makes of it.
func (s *story) hooked(events string) map[string]string {
	s.Helper()
	files := s.chart("web", "web")
	files["charts/web/templates/migrate.yaml"] = `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: "` + events + `", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {fairlead.dev/simulate: {{ .Values.migrate | quote }}, fairlead.dev/simulate-log: "relation is missing"}}
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "example.com/migrate:1.0"}]
`
	return files
}

// TestHooks: hooks before and after a release run on install and on upgrade.
func TestHooks(t *testing.T) {
	s := tell(t, "hooks")
	const repo = "hooks/charts"
	s.commit(repo, "main", s.hooked("pre-install,pre-upgrade,post-upgrade"))
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.released(s.ns, "web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two"}}}`)
	s.released(s.ns, "web")
}

// job is the UID of the hook's Job: another one is another run of it.
func (s *story) job() types.UID {
	s.Helper()
	j, err := s.typed.BatchV1().Jobs(s.ns).Get(s.Context(), "migrate", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ""
	}
	if err != nil {
		s.Fatal(err)
	}
	return j.UID
}

// TestFailedHook: a hook that fails makes a failed revision, and is run again for new inputs or when
// someone asks for it: not because the health of the release changes or the controller starts anew.
func TestFailedHook(t *testing.T) {
	for _, c := range []struct{ name, event, runs string }{
		{"after", "post-upgrade", "two"},
		{"before", "pre-upgrade", "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := tell(t, "failed-hook-"+c.name)
			repo := s.ns + "/charts"
			s.commit(repo, "main", s.hooked(c.event))
			s.kubectl(s.helmRelease("web", repo, "web", "{message: one, migrate: \"\"}"))
			s.released(s.ns, "web")
			mark := s.log.mark()
			s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two","migrate":"job-fail"}}}`)
			s.told(s.ns, "web", "Released", "False", "Job/migrate", c.event+" hook")
			first := s.job()
			upgrade, repair := "upgrade HelmRelease/"+s.ns+"/web", "repair HelmRelease/"+s.ns+"/web"
			want := []string{upgrade}
			s.wantRuns(mark, want...)
			s.wantMessage("web", c.runs)

			disturb := func() {
				pods := metav1.ListOptions{LabelSelector: "app=web"}
				if err := s.typed.CoreV1().Pods(s.ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, pods); err != nil {
					t.Fatal(err)
				}
				// A repair shows that the controller saw what came before it.
				s.patch(configMaps, s.ns, "web", `{"data":{"MESSAGE":"edited"}}`)
				s.wantMessage("web", c.runs)
				want = append(want, repair)
				s.told(s.ns, "web", "Released", "False", "Job/migrate")
			}
			disturb()
			disturb()
			s.controller.stop()
			s.controller = nil
			s.start(t)
			disturb()
			s.wantRuns(mark, want...)
			if s.job() != first {
				t.Error("the hook ran again")
			}
			if d := s.get(deployments, s.ns, "web"); d.GetGeneration() != 1 {
				t.Errorf("the Deployment was changed: generation %d", d.GetGeneration())
			}
			s.want(s.helm("history", "web", "-n", s.ns), 0, "deployed", "failed", "Upgrade failed")
			s.want(s.fairlead("status", "web", "-n", s.ns), 1, "Job/migrate")

			s.want(s.fairlead("sync", "web", "-n", s.ns, "--wait"), 3, "relation is missing")
			if s.job() == first {
				t.Error("the hook was asked for, and did not run")
			}
			s.wantRuns(mark, append(want, upgrade)...)
			s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"migrate":""}}}`)
			s.released(s.ns, "web")
			s.wantMessage("web", "two")
		})
	}
}

// TestFailedHookGoesBack: a hook that fails is a failed upgrade, also where nothing was applied.
func TestFailedHookGoesBack(t *testing.T) {
	s := tell(t, "hook-back")
	const repo = "hook-back/charts"
	s.commit(repo, "main", s.hooked("pre-upgrade"))
	s.kubectl(strings.Replace(s.helmRelease("web", repo, "web", "{message: one, migrate: \"\"}"), "  timeout: 60", "  timeout: 60\n  rollback: {enable: true}", 1))
	s.released(s.ns, "web")
	mark := s.log.mark()
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two","migrate":"job-fail"}}}`)
	s.told(s.ns, "web", "Held", "True", "Rollback to 1", "pre-upgrade hook Job/migrate")
	s.wantRuns(mark, "upgrade HelmRelease/hook-back/web")
	s.wantMessage("web", "one")
	s.want(s.helm("history", "web", "-n", s.ns), 0, "Upgrade failed", "Rollback to 1")
}

// TestFailedInstallHook: a release whose hook after the install failed is still to be installed, however
// healthy its objects are.
func TestFailedInstallHook(t *testing.T) {
	s := tell(t, "install-hook")
	const repo = "install-hook/charts"
	s.commit(repo, "main", s.hooked("post-install"))
	s.kubectl(s.helmRelease("web", repo, "web", "{message: one, migrate: job-fail}"))
	s.told(s.ns, "web", "Released", "False", "post-install hook")
	first := s.job()
	s.want(s.fairlead("sync", "web", "-n", s.ns, "--wait"), 3, "relation is missing")
	if s.job() == first {
		t.Error("it was tried again without its hook")
	}
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"migrate":""}}}`)
	s.released(s.ns, "web")
	s.want(s.helm("history", "web", "-n", s.ns), 0, "Install failed", "Install complete")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"migrate":"job-fail"}}}`)
	s.released(s.ns, "web") // an upgrade has no such hook
}

// TestSlowHook: while a hook runs, the status says so.
func TestSlowHook(t *testing.T) {
	s := tell(t, "slow-hook")
	const repo = "slow-hook/charts"
	s.commit(repo, "main", s.hooked("pre-install,post-upgrade"))
	s.kubectl(s.helmRelease("web", repo, "web", "{message: one, migrate: unready}"))
	goOn := func() {
		s.Helper()
		pods, err := s.typed.CoreV1().Pods(s.ns).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=migrate"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range pods.Items {
			_, err := s.typed.CoreV1().Pods(s.ns).Patch(t.Context(), pods.Items[i].Name, types.MergePatchType, []byte(`{"metadata":{"annotations":{"fairlead.dev/simulate":null}}}`), metav1.PatchOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				t.Fatal(err)
			}
		}
	}
	s.told(s.ns, "web", "Released", "Unknown", "Progressing", "pre-install hook Job/migrate")
	s.want(s.fairlead("get", "-n", s.ns), 0, "Progressing", "pre-install hook Job/migrate")
	goOn()
	s.released(s.ns, "web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two"}}}`)
	s.told(s.ns, "web", "Released", "Unknown", "Progressing", "post-upgrade hook Job/migrate")
	goOn()
	s.released(s.ns, "web")
	s.wantMessage("web", "two")
}
