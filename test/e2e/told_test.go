package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRollbackOfFirstUpgrade: while the first upgrade waits, the revision before it is the newest that is
// recorded, and where a rollback goes.
func TestRollbackOfFirstUpgrade(t *testing.T) {
	s := tell(t, "first-upgrade")
	const repo = "first-upgrade/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.released(s.ns, "web")
	s.kubectl(s.helmRelease("web", repo, "web", `{podAnnotations: {fairlead.dev/simulate: unready}}`))
	s.told(s.ns, "web", "Deployed", "Unknown", "Running upgrade")
	s.want(s.fairlead("rollback", "web", "-n", s.ns), 0, "is back at revision 1")
	s.told(s.ns, "web", "Held", "True", "rollback to revision 1")
}

// TestHistoryOfHelm: what helm made of a release is told as helm tells it, and so is what helm superseded.
func TestHistoryOfHelm(t *testing.T) {
	s := tell(t, "history")
	const repo = "history/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{message: one}"))
	s.released(s.ns, "web")
	s.kubectl(s.helmRelease("web", repo, "web", "{message: two}"))
	within(t, patient, "revision 2 is recorded", func() error {
		if a := s.helm("history", "web", "-n", s.ns); strings.Count(a.out, "complete") != 2 {
			return errors.New(a.out + a.err)
		}
		return nil
	})
	s.released(s.ns, "web")
	s.want(s.helm("rollback", "web", "1", "-n", s.ns), 0)
	s.told(s.ns, "web", "Held", "True", "revision 3 was made with helm; held until")
	a := s.fairlead("history", "web", "-n", s.ns)
	s.want(a, 0, "Rollback to 1", "Install complete", "Upgrade complete")
	if n := strings.Count(a.out, "web-1.0.0"); n != 3 {
		t.Errorf("the chart of %d of 3 revisions is told:\n%s", n, a.out)
	}
	s.want(s.fairlead("why", "web", "-n", s.ns), 0)
	s.want(s.fairlead("diff", "web", "-n", s.ns), 1, "0 to create, 0 to delete, 3 to take over")
	before := s.get(deployments, s.ns, "web").GetUID()
	if err := s.dynamic.Resource(secrets).Namespace(s.ns).Delete(t.Context(), "sh.helm.release.v1.web.v3", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// Now the newest is one that helm superseded: of its inventory it left only what the manifest says.
	s.told(s.ns, "web", "Released", "True")
	within(t, patient, "it is recorded anew", func() error {
		if a := s.fairlead("history", "web", "-n", s.ns); !strings.Contains(a.out, "3  ") || !strings.Contains(a.out, "deployed") {
			return errors.New(a.out + a.err)
		}
		return nil
	})
	s.want(s.fairlead("why", "web", "-n", s.ns), 0)
	s.want(s.fairlead("diff", "web", "-n", s.ns), 0)
	if after := s.get(deployments, s.ns, "web").GetUID(); after != before {
		t.Errorf("the Deployment was %s, now it is %s", before, after)
	}
}

// TestWhyRefused: what could not be applied is named before what merely waits.
func TestWhyRefused(t *testing.T) {
	s := tell(t, "refused")
	const repo = "refused/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/service.yaml"] = strings.Replace(files["charts/web/templates/service.yaml"], "spec:", "spec:\n  type: LoadBalancer", 1)
	s.commit(repo, "main", files)
	s.kubectl(s.helmRelease("web", repo, "web", "{replicas: -1}"))
	s.told(s.ns, "web", "Released", "False", "Deployment/web")
	a := s.fairlead("why", "web", "-n", s.ns)
	s.want(a, 1, "Deployment/web", "spec.replicas")
	t.Log(a.out)
	if failed, cause := strings.Index(a.out, "Deployment/web"), strings.Index(a.out, "Service/web"); cause >= 0 && cause < failed {
		t.Errorf("the cause is not told first:\n%s", a.out)
	}
}

// TestApplicationFirstRollout: an Application whose first rollout waits is Progressing, as in Argo CD.
func TestApplicationFirstRollout(t *testing.T) {
	s := tell(t, "app-first")
	const repo = "app-first/gitops"
	files := s.chart("web", "web")
	files["charts/web/values.yaml"] = strings.Replace(files["charts/web/values.yaml"], "podAnnotations: {}", `podAnnotations: {fairlead.dev/simulate: "slow-ready=15s"}`, 1)
	s.commit(repo, "main", files)
	s.kubectl(fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: app-first, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: %s, path: charts/web}
  destination: {server: "https://kubernetes.default.svc", namespace: app-first}
  syncPolicy: {automated: {prune: true}}
`, s.url(repo)))
	within(t, patient, "it is told that it progresses", func() error {
		app, err := s.application(s.ns, "web")
		if err != nil {
			return err
		}
		op := app.Status.OperationState
		switch {
		case app.Status.Health.Status == "":
			return errors.New("nothing is told")
		case app.Status.Health.Status != "Progressing" || app.Status.Sync.Status != "Synced" || op == nil || op.Phase != "Running":
			t.Fatal(dump(app.Status))
		case op.StartedAt.Time.Before(time.Now().Add(-time.Hour)) || len(app.Status.Resources) != 3:
			t.Error(dump(app.Status))
		}
		return nil
	})
	s.want(s.fairlead("status", "web", "-n", s.ns), 1, "Progressing", "Deployment/web")
	s.synced(s.ns, "web")
}
