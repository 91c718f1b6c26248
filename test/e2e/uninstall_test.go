package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// farewell is a Job that runs before its release is removed.
func farewell(podAnnotations string) string {
	return fmt.Sprintf(`apiVersion: batch/v1
kind: Job
metadata:
  name: farewell
  annotations: {helm.sh/hook: pre-delete}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {%s}}
    spec:
      restartPolicy: Never
      containers: [{name: farewell, image: "example.com/farewell:1.0"}]
`, podAnnotations)
}

// TestMadeAnewWhileHooksRun: a HelmRelease that is deleted and made again while the hook of its removal
// runs keeps its objects.
func TestMadeAnewWhileHooksRun(t *testing.T) {
	s := tell(t, "anew")
	const repo = "anew/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/farewell.yaml"] = `apiVersion: v1
kind: ConfigMap
metadata:
  name: farewell
  annotations: {helm.sh/hook: pre-delete, helm.sh/hook-delete-policy: hook-succeeded}
  finalizers: [example.com/stay]
`
	s.commit(repo, "main", files)
	manifest := s.helmRelease("web", repo, "web", "{}")
	s.kubectl(manifest)
	s.released(s.ns, "web")
	before := s.get(deployments, s.ns, "web").GetUID()
	mark := s.log.mark()
	s.remove(helmReleases, s.ns, "web")
	within(t, patient, "the hook is held on its way out", func() error {
		hook, err := s.dynamic.Resource(configMaps).Namespace(s.ns).Get(t.Context(), "farewell", metav1.GetOptions{})
		if err == nil && hook.GetDeletionTimestamp() == nil {
			err = errors.New("it is not being deleted")
		}
		return err
	})
	s.kubectl(manifest)
	s.patch(configMaps, s.ns, "farewell", `{"metadata":{"finalizers":null}}`)
	s.released(s.ns, "web")
	if after := s.get(deployments, s.ns, "web").GetUID(); after != before {
		t.Errorf("the Deployment was %s, now it is %s: %v", before, after, s.log.runs(mark))
	}
	s.releasedAt(s.ns, "web", s.commit(repo, "main", nil, "charts/web/templates/farewell.yaml")) // it can go now
}

// TestUninstallHookFails: where the hook of a removal fails, an event says why, though the HelmRelease is
// gone; nothing is deleted, and made anew with a hook that works it can be removed.
func TestUninstallHookFails(t *testing.T) {
	s := tell(t, "farewell")
	const repo = "farewell/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/farewell.yaml"] = farewell(`fairlead.dev/simulate: job-fail, fairlead.dev/simulate-log: "nobody to say farewell to"`)
	s.commit(repo, "main", files)
	manifest := s.helmRelease("web", repo, "web", "{}")
	s.kubectl(manifest)
	s.released(s.ns, "web")
	s.remove(helmReleases, s.ns, "web")
	within(t, patient, "an event says why", func() error {
		events, err := s.typed.CoreV1().Events(s.ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == "UninstallFailed" && e.InvolvedObject.Kind == "HelmRelease" && e.InvolvedObject.Name == "web" {
				for _, want := range []string{"Job/farewell", "nobody to say farewell to", "--no-hooks"} {
					if !strings.Contains(e.Message, want) {
						t.Errorf("%q is missing from %q", want, e.Message)
					}
				}
				return nil
			}
		}
		return fmt.Errorf("there are %d events", len(events.Items))
	})
	s.get(deployments, s.ns, "web")
	id := s.commit(repo, "main", map[string]string{"charts/web/templates/farewell.yaml": farewell("")})
	s.kubectl(manifest)
	s.releasedAt(s.ns, "web", id)
	s.remove(helmReleases, s.ns, "web")
	s.gone(deployments, s.ns, "web")
	s.noRecord(s.ns, "web")
}

// TestApplicationWithoutSource: an Application whose repository is gone can be deleted: what it deployed
// goes, but for what is of its chart's crds/ folder.
func TestApplicationWithoutSource(t *testing.T) {
	s := tell(t, "orphan")
	const repo = "orphan/gitops"
	files := s.chart("web", "web")
	for _, d := range []struct{ file, kind string }{{"crds/kept.yaml", "Kept"}, {"templates/gone.yaml", "Dropped"}} {
		files["charts/web/"+d.file] = fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[2]ss.orphan.example.com}
spec:
  group: orphan.example.com
  scope: Namespaced
  names: {kind: %[1]s, plural: %[2]ss, singular: %[2]s}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`, d.kind, strings.ToLower(d.kind))
	}
	s.commit(repo, "main", files)
	s.kubectl(fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: orphan, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: %s, path: charts/web}
  destination: {server: "https://kubernetes.default.svc", namespace: orphan}
  syncPolicy: {automated: {prune: true}}
`, s.url(repo)))
	s.synced(s.ns, "web")
	s.controller.stop()
	s.controller = nil
	for _, dir := range []string{filepath.Join("git", repo+".git"), "cache"} {
		if err := os.RemoveAll(filepath.Join(tempDir, dir)); err != nil {
			t.Fatal(err)
		}
	}
	s.start(t)
	s.remove(applications, s.ns, "web")
	s.gone(applications, s.ns, "web")
	s.gone(deployments, s.ns, "web")
	s.gone(definitions, "", "droppeds.orphan.example.com")
	if kept := s.get(definitions, "", "kepts.orphan.example.com"); kept.GetDeletionTimestamp() != nil {
		t.Error("the definition of crds/ is being deleted")
	}
}
