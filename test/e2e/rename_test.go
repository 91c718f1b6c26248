package e2e

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRenamedRelease: a HelmRelease that asks for another release name takes what it has along; no
// second copy and no record stay behind.
func TestRenamedRelease(t *testing.T) {
	s := tell(t, "rename")
	const repo = "rename/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.released(s.ns, "web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"releaseName":"api"}}`)
	within(t, patient, "only the new name is left", func() error {
		list, err := s.typed.CoreV1().Secrets(s.ns).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 || list.Items[0].Labels["name"] != "api" {
			return fmt.Errorf("there are %d records", len(list.Items))
		}
		all, err := s.dynamic.Resource(deployments).Namespace(s.ns).List(t.Context(), metav1.ListOptions{})
		if err == nil && (len(all.Items) != 1 || all.Items[0].GetName() != "api") {
			err = fmt.Errorf("there are %d Deployments", len(all.Items))
		}
		return err
	})
	s.released(s.ns, "web")
}
