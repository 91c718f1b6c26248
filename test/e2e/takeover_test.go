package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/api/crds"
)

// TestHelmReadsAndRollsBack: the real helm works on what Fairlead deployed, and Fairlead respects
// what someone did with it.
func TestHelmReadsAndRollsBack(t *testing.T) {
	s := tell(t, "helm")
	const repo = "helm/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{message: first}"))
	s.released(s.ns, "web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"second"}}}`)
	s.released(s.ns, "web")

	s.want(s.helm("list", "-A"), 0, "web-1.0.0", "deployed")
	s.superseded("web")
	s.want(s.helm("history", "web", "-n", s.ns), 0, "superseded", "Install complete", "deployed", "Upgrade complete")
	s.want(s.helm("get", "values", "web", "-n", s.ns), 0, "message: second")
	s.want(s.helm("get", "values", "web", "-n", s.ns, "--revision", "1"), 0, "message: first")
	s.want(s.helm("get", "manifest", "web", "-n", s.ns), 0, `MESSAGE: "second"`, "kind: Deployment")
	s.want(s.helm("status", "web", "-n", s.ns), 0, "deployed")

	s.want(s.helm("rollback", "web", "1", "-n", s.ns), 0)
	s.told(s.ns, "web", "Held", "True", "revision 3 was made with helm")
	if got := message(s.get(configMaps, s.ns, "web")); got != "first" {
		t.Errorf("after helm rollback the message is %q", got)
	}
	s.want(s.fairlead("status", "web", "-n", s.ns), 0, "helm")
	s.want(s.fairlead("resume", "web", "-n", s.ns), 0)
	within(t, patient, "the release is what Git says", func() error {
		r, err := s.release(s.ns, "web")
		if err != nil {
			return err
		}
		if got := message(s.get(configMaps, s.ns, "web")); got != "second" || condition(r, "Held").Status == "True" || condition(r, "Released").Status != "True" {
			return fmt.Errorf("message %q, %s", got, dump(r.Status))
		}
		return nil
	})
	s.want(s.helm("history", "web", "-n", s.ns), 0, "Rollback to 1")
	if a := s.helm("list", "-A", "--pending", "-q"); strings.TrimSpace(a.out) != "" {
		t.Errorf("pending: %s", a.out)
	}

	t.Run("fairlead rollback holds and resume goes on", func(t *testing.T) {
		s := s.part(t)
		s.want(s.fairlead("rollback", "web", "1", "-n", s.ns), 0)
		s.told(s.ns, "web", "Held", "True", "revision")
		if got := message(s.get(configMaps, s.ns, "web")); got != "first" {
			t.Errorf("the message is %q", got)
		}
		s.want(s.fairlead("resume", "web", "-n", s.ns), 0)
		s.wantMessage("web", "second")
	})
}

// TestTakesOverFromHelm: a HelmRelease takes over what helm install made, without restarting a pod.
func TestTakesOverFromHelm(t *testing.T) {
	s := tell(t, "taken")
	const repo = "taken/charts"
	chart := s.chart("web", "web")
	s.commit(repo, "main", chart)
	dir := s.onDisk(chart)
	s.want(s.helm("install", "web", filepath.Join(dir, "charts/web"), "-n", s.ns, "--set", "message=from helm", "--set", "replicas=2", "--wait"), 0)
	before := s.podUIDs(2)
	s.kubectl(s.helmRelease("web", repo, "web", "{message: from helm, replicas: 2}"))
	s.released(s.ns, "web")
	if after := s.podUIDs(2); !slices.Equal(before, after) {
		t.Errorf("pods were %v, now %v", before, after)
	}
	s.superseded("web")
	s.want(s.helm("history", "web", "-n", s.ns), 0, "superseded", "deployed")

	t.Run("its removal uninstalls", func(t *testing.T) {
		s := s.part(t)
		s.remove(helmReleases, s.ns, "web")
		s.gone(deployments, s.ns, "web")
		s.gone(configMaps, s.ns, "web")
		s.noRecord(s.ns, "web")
	})
}

func (s *story) podUIDs(n int) []string {
	s.Helper()
	var uids []string
	within(s.T, patient, fmt.Sprintf("there are %d pods", n), func() error {
		list, err := s.typed.CoreV1().Pods(s.ns).List(s.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		uids = nil
		for _, p := range list.Items {
			uids = append(uids, string(p.UID))
		}
		if len(uids) != n {
			return fmt.Errorf("there are %d", len(uids))
		}
		return nil
	})
	slices.Sort(uids)
	return uids
}

func (s *story) remove(gvr schema.GroupVersionResource, ns, name string) {
	s.Helper()
	if err := s.dynamic.Resource(gvr).Namespace(ns).Delete(s.Context(), name, metav1.DeleteOptions{}); err != nil {
		s.Fatal(err)
	}
}

// TestRemovedWhileAway: a HelmRelease that was deleted while no controller ran is uninstalled by
// the next one.
func TestRemovedWhileAway(t *testing.T) {
	s := tell(t, "away")
	const repo = "away/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{}") + s.helmRelease("stays", repo, "web", "{}"))
	s.released(s.ns, "web")
	stays := s.released(s.ns, "stays")
	s.controller.stop()
	s.controller = nil
	s.remove(helmReleases, s.ns, "web")
	s.get(deployments, s.ns, "web")
	mark := s.log.mark()
	s.start(t)
	s.gone(deployments, s.ns, "web")
	s.noRecord(s.ns, "web")
	s.get(deployments, s.ns, "stays")
	if now := s.released(s.ns, "stays"); now.ResourceVersion != stays.ResourceVersion {
		t.Logf("the status was written again at the start: %s", dump(now.Status))
	}
	for _, run := range s.log.runs(mark) {
		if run != "uninstall HelmRelease/away/web" {
			t.Errorf("at the start there was a run: %s", run)
		}
	}
}

// TestDefinitionDeleted: whoever deletes the CustomResourceDefinition of HelmReleases, and all of
// them with it, does not delete the applications; they are taken up again when it is back.
func TestDefinitionDeleted(t *testing.T) {
	s := tell(t, "kinds")
	const repo = "kinds/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	manifest := s.helmRelease("web", repo, "web", "{}")
	s.kubectl(manifest)
	s.released(s.ns, "web")
	before := s.podUIDs(1)
	crd := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	mark := s.log.mark()
	if err := s.dynamic.Resource(crd).Delete(t.Context(), "helmreleases.helm.fluxcd.io", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.gone(crd, "", "helmreleases.helm.fluxcd.io")
	data, err := crds.Files.ReadFile("helm.fluxcd.io_helmreleases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.kubectl(string(data))
	s.kubectl(manifest)
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"after"}}}`)
	s.wantMessage("web", "after")
	s.released(s.ns, "web")
	for _, run := range s.log.runs(mark) {
		if strings.HasPrefix(run, "uninstall") {
			t.Errorf("%s", run)
		}
	}
	if after := s.podUIDs(1); !slices.Equal(before, after) {
		t.Errorf("pods were %v, now %v", before, after)
	}
}

// superseded waits until a revision says that another took its place, which it does a moment after
// that one is there.
func (s *story) superseded(name string) {
	s.Helper()
	within(s.T, patient, "a revision of "+name+" is superseded", func() error {
		list, err := s.typed.CoreV1().Secrets(s.ns).List(s.Context(), metav1.ListOptions{LabelSelector: "owner=helm,status=superseded,name=" + name})
		if err == nil && len(list.Items) == 0 {
			err = errors.New("none is")
		}
		return err
	})
}

// TestHelmRollbackDuringRollout: who goes back with helm while a bad revision is being rolled out is not
// overruled, until the inputs change.
func TestHelmRollbackDuringRollout(t *testing.T) {
	s := tell(t, "helm-back")
	const repo = "helm-back/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{message: good}"))
	s.released(s.ns, "web")
	mark := s.log.mark()
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"bad","podAnnotations":{"fairlead.dev/simulate":"unready"}}}}`)
	s.wantMessage("web", "bad")
	s.want(s.helm("rollback", "web", "1", "-n", s.ns), 0)
	s.told(s.ns, "web", "Held", "True", "made with helm")
	if got := message(s.get(configMaps, s.ns, "web")); got != "good" {
		t.Errorf("the message is %q", got)
	}
	s.commit(repo, "main", map[string]string{"charts/web/templates/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"})
	s.wantMessage("web", "bad")
	s.wantRuns(mark, "upgrade HelmRelease/helm-back/web", "upgrade HelmRelease/helm-back/web")
}
