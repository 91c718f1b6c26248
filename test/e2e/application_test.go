package e2e

import (
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestApplicationByHand: an Application that nobody allowed to sync by itself only tells that it
// differs, until someone asks; deleted, it leaves what it deployed unless its finalizer says otherwise.
func TestApplicationByHand(t *testing.T) {
	s := tell(t, "byhand")
	const repo = "byhand/gitops"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: byhand, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source:
    repoURL: %s
    path: charts/web
    helm:
      values: "message: from values"
      parameters: [{name: message, value: from a parameter}]
  destination: {server: "https://kubernetes.default.svc", namespace: byhand-web}
  syncPolicy: {syncOptions: [CreateNamespace=true]}
`, s.url(repo)))
	s.syncStatus("web", "OutOfSync")
	if _, err := s.typed.CoreV1().Namespaces().Get(t.Context(), "byhand-web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("it was deployed without being asked for: %v", err)
	}
	s.want(s.fairlead("diff", "web", "-n", "byhand"), 1, "Deployment.apps/web", "ConfigMap/web")
	begin := time.Now()
	s.want(s.fairlead("sync", "web", "-n", "byhand", "--wait"), 0)
	t.Logf("synced after %s", time.Since(begin).Round(time.Millisecond))
	s.synced("byhand", "web")
	if got := message(s.get(configMaps, "byhand-web", "web")); got != "from a parameter" {
		t.Errorf("the message is %q", got)
	}
	s.want(s.fairlead("diff", "web", "-n", "byhand"), 0)

	s.patch(applications, "byhand", "web", `{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"normal"}}}`)
	within(t, patient, "the refresh is done", func() error {
		app, err := s.application("byhand", "web")
		if err == nil && app.Annotations["argocd.argoproj.io/refresh"] != "" {
			err = fmt.Errorf("its annotation is there")
		}
		return err
	})
	// Without selfHeal an edit is told and stays.
	s.patch(configMaps, "byhand-web", "web", `{"data":{"MESSAGE":"edited"}}`)
	s.syncStatus("web", "OutOfSync")
	if got := message(s.get(configMaps, "byhand-web", "web")); got != "edited" {
		t.Errorf("the edit was undone: %q", got)
	}
	s.want(s.fairlead("diff", "web", "-n", "byhand"), 1, "from a parameter", "edited")
	s.remove(applications, "byhand", "web")
	s.gone(applications, "byhand", "web")
	s.gone(deployments, "byhand-web", "web")
}

func (s *story) syncStatus(name, want string) {
	s.Helper()
	within(s.T, patient, name+" is "+want, func() error {
		app, err := s.application(s.ns, name)
		if err == nil && string(app.Status.Sync.Status) != want {
			err = fmt.Errorf("%s", dump(app.Status))
		}
		return err
	})
}
