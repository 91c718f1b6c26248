package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const ordered = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s}
spec:
  replicas: 2
  serviceName: web
  selector: {matchLabels: {app: s}}
  template:
    metadata:
      labels: {app: s}
      {{- with .Values.setAnnotations }}
      annotations: {{ toYaml . | nindent 8 }}
      {{- end }}
    spec:
      containers: [{name: s, image: "example.com/s:1"}]
`

// TestStatefulSetGoneBack: Kubernetes does not replace a StatefulSet's broken pod when its template is
// right again. That is told instead of what the pod fails of, and deleting the pod, as told, ends it.
func TestStatefulSetGoneBack(t *testing.T) {
	s := tell(t, "gone-back")
	const repo = "gone-back/charts"
	s.commit(repo, "main", merge(s.chart("web", "web"), map[string]string{"charts/web/templates/s.yaml": ordered}))
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.released(s.ns, "web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"setAnnotations":{"fairlead.dev/simulate":"image-pull-error"}}}}`)
	s.told(s.ns, "web", "Released", "False", "image example.com/s:1: not found")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"setAnnotations":null}}}`)
	s.told(s.ns, "web", "Released", "False", "pod s-1 still runs the revision that was left", "Kubernetes does not replace it by itself")
	s.want(s.fairlead("why", "web", "-n", s.ns), 1, "pod s-1 still runs the revision that was left", "kubectl delete pod -n gone-back s-1")
	if err := s.typed.CoreV1().Pods(s.ns).Delete(t.Context(), "s-1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.released(s.ns, "web")

	t.Run("by a rollback", func(t *testing.T) {
		s := s.part(t)
		s.patch(helmReleases, s.ns, "web", `{"spec":{"rollback":{"enable":true},"values":{"setAnnotations":{"fairlead.dev/simulate":"image-pull-error"}}}}`)
		s.told(s.ns, "web", "RolledBack", "True")
		within(t, patient, "why says what to do", func() error {
			if a := s.fairlead("why", "web", "-n", s.ns); a.code != 1 || !strings.Contains(a.out, "kubectl delete pod -n gone-back s-1") {
				return fmt.Errorf("exit code %d: %s%s", a.code, a.out, a.err)
			}
			return nil
		})
		if err := s.typed.CoreV1().Pods(s.ns).Delete(t.Context(), "s-1", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		within(t, patient, "the revision it went back to runs", func() error {
			set, err := s.typed.AppsV1().StatefulSets(s.ns).Get(t.Context(), "s", metav1.GetOptions{})
			if err == nil && set.Status.ReadyReplicas != 2 {
				err = fmt.Errorf("%s", dump(set.Status))
			}
			return err
		})
	})
}
