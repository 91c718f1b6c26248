package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRefusedHalfWayGoesBack: an upgrade that a quota refuses half-way is undone where the release asks
// for that, at once: nobody has to act first.
func TestRefusedHalfWayGoesBack(t *testing.T) {
	s := tell(t, "refused")
	const repo = "refused/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/more.yaml"] = `{{- if .Values.more }}
apiVersion: v1
kind: Service
metadata: {name: more}
spec: {ports: [{port: 80}], selector: {app: more}}
{{- end }}
`
	s.commit(repo, "main", files)
	s.kubectl(strings.Replace(s.helmRelease("web", repo, "web", "{message: one}"), "  timeout: 60", "  timeout: 60\n  rollback: {enable: true}", 1))
	s.released(s.ns, "web")
	s.kubectl("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few, namespace: refused}\nspec: {hard: {count/services: \"1\"}}")
	s.quotaCounts("few")
	mark := s.log.mark()
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two","more":true}}}`)
	s.told(s.ns, "web", "Held", "True", "Rollback to 1", "exceeded quota")
	s.wantMessage("web", "one")
	s.wantRuns(mark, "upgrade HelmRelease/refused/web")
}

// TestRecordRefusedByQuota: where it is the record that a quota refuses, the advice is about the quota.
func TestRecordRefusedByQuota(t *testing.T) {
	s := tell(t, "no-record")
	const repo = "no-record/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, namespace: no-record}\nspec: {hard: {count/secrets: \"0\"}}")
	s.quotaCounts("none")
	s.kubectl(s.helmRelease("web", repo, "web", "{message: one}"))
	s.told(s.ns, "web", "Released", "False", "exceeded quota", "raise the ResourceQuota")
	// What failed is not run again at each event.
	mark := s.log.mark()
	if err := s.typed.CoreV1().Pods(s.ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app=web"}); err != nil {
		t.Fatal(err)
	}
	within(t, patient, "the pods are back", func() error { return s.settledPods() })
	s.wantRuns(mark)
	s.told(s.ns, "web", "Released", "False", "exceeded quota")
}

// quotaCounts waits until a quota is enforced.
func (s *story) quotaCounts(name string) {
	s.Helper()
	within(s.T, patient, "the quota counts", func() error {
		q, err := s.typed.CoreV1().ResourceQuotas(s.ns).Get(s.Context(), name, metav1.GetOptions{})
		if err == nil && len(q.Status.Used) == 0 {
			err = fmt.Errorf("%s", dump(q.Status))
		}
		return err
	})
}

// settledPods is an error while the Deployment's pods are not ready.
func (s *story) settledPods() error {
	d, err := s.typed.AppsV1().Deployments(s.ns).Get(s.Context(), "web", metav1.GetOptions{})
	if err == nil && d.Status.ReadyReplicas != 1 {
		err = fmt.Errorf("%s", dump(d.Status))
	}
	return err
}
