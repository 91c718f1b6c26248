package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	services = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	claims   = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	secrets  = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
)

// claim is a claim for a volume, with annotations.
func claim(name, annotations string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: %s
  annotations: {%s}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
`, name, annotations)
}

// waitsForEver commits a chart with a Deployment that never becomes ready, and one that does.
func (s *story) waitsForEver(repo string) {
	s.Helper()
	files := merge(s.chart("web", "web"), s.chart("web", "fine"))
	files["charts/web/templates/claims.yaml"] = claim("data", "") + "---\n" + claim("precious", "helm.sh/resource-policy: keep")
	values := files["charts/web/values.yaml"]
	files["charts/web/values.yaml"] = strings.Replace(values, "podAnnotations: {}", "podAnnotations: {fairlead.dev/simulate: unready}", 1)
	s.commit(repo, "main", files)
}

// applied waits until everything of that chart is there.
func (s *story) applied(name string) {
	s.Helper()
	within(s.T, patient, "its rollout waits", func() error {
		r, err := s.release(s.ns, name)
		if err != nil {
			return err
		}
		for gvr, name := range map[schema.GroupVersionResource]string{deployments: name, services: name, configMaps: name, claims: "data"} {
			if _, err := s.dynamic.Resource(gvr).Namespace(s.ns).Get(s.Context(), name, metav1.GetOptions{}); err != nil {
				return err
			}
		}
		if c := condition(r, "Ready"); c.Status != "Unknown" && c.Status != "False" {
			return fmt.Errorf("Ready is %q", c.Status)
		}
		return nil
	})
}

// nothingLeft waits until all of it is gone but what is to be kept, which then is nobody's.
func (s *story) nothingLeft(name string) {
	s.Helper()
	for gvr, name := range map[schema.GroupVersionResource]string{deployments: name, services: name, configMaps: name, claims: "data"} {
		s.gone(gvr, s.ns, name)
	}
	within(s.T, patient, "the claim that is to be kept is nobody's", func() error {
		kept, err := s.dynamic.Resource(claims).Namespace(s.ns).Get(s.Context(), "precious", metav1.GetOptions{})
		if err == nil && (kept.GetDeletionTimestamp() != nil || kept.GetLabels()["fairlead.dev/release"] != "") {
			err = errors.New(dump(kept.Object["metadata"]))
		}
		return err
	})
	s.noRecord(s.ns, name)
}

// TestRemovedInItsFirstRollout: a HelmRelease that is deleted while its first rollout waits leaves
// nothing, though no record says what it consisted of.
func TestRemovedInItsFirstRollout(t *testing.T) {
	s := tell(t, "early")
	const repo = "early/charts"
	s.waitsForEver(repo)
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.applied("web")
	s.remove(helmReleases, s.ns, "web")
	s.nothingLeft("web")
}

// TestRemovedInItsFirstRolloutUnseen: likewise where the controller was dead when it was deleted.
func TestRemovedInItsFirstRolloutUnseen(t *testing.T) {
	s := tell(t, "unseen")
	const repo = "unseen/charts"
	s.waitsForEver(repo)
	s.kubectl(s.helmRelease("fine", repo, "fine", "{}"))
	s.released(s.ns, "fine")
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.applied("web")
	s.controller.kill()
	s.controller = nil
	s.remove(helmReleases, s.ns, "web")
	s.start(t)
	s.nothingLeft("web")
	s.get(deployments, s.ns, "fine")
	s.released(s.ns, "fine")
}

// TestRecordsDeletedByHand: a release whose records someone deletes is recorded anew, whenever they are
// deleted, and its removal takes its objects along.
func TestRecordsDeletedByHand(t *testing.T) {
	s := tell(t, "forgotten")
	const repo = "forgotten/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{}"))
	s.released(s.ns, "web")
	before := s.get(deployments, s.ns, "web").GetUID()
	for range 2 {
		was := s.get(secrets, s.ns, "sh.helm.release.v1.web.v1").GetUID()
		if err := s.dynamic.Resource(secrets).Namespace(s.ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "owner=helm,name=web"}); err != nil {
			t.Fatal(err)
		}
		within(t, patient, "it is recorded anew", func() error {
			record, err := s.dynamic.Resource(secrets).Namespace(s.ns).Get(t.Context(), "sh.helm.release.v1.web.v1", metav1.GetOptions{})
			if err == nil && record.GetUID() == was {
				err = errors.New("it is the old one")
			}
			return err
		})
	}
	s.released(s.ns, "web")
	if after := s.get(deployments, s.ns, "web").GetUID(); after != before {
		t.Errorf("the Deployment was %s, now it is %s", before, after)
	}
	s.remove(helmReleases, s.ns, "web")
	s.gone(deployments, s.ns, "web")
	s.noRecord(s.ns, "web")
}
