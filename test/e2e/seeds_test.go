package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	argo "github.com/fairlead-cd/fairlead/api/argoproj/v1alpha1"
)

// TestHelmReleasesOfPublicGuide syncs the folders of a guide to Flux v1 and the Helm Operator, word
// for word: namespaces and releases, whose public URLs are served from this machine.
func TestHelmReleasesOfPublicGuide(t *testing.T) {
	s := &story{world: theWorld(t), T: t, ns: "dev"}
	const fleet, charts = "webmakaka/helm-operator-get-started", "fluxcd/helm-operator-get-started"
	chart := s.commit(charts, "master", s.chart("podinfo", "podinfo"))
	s.commit(fleet, "master", merge(s.folder("seeds/namespaces", "namespaces"), s.folder("seeds/releases", "releases")))

	for ns, name := range map[string]string{"dev": "podinfo-dev", "stg": "podinfo-rc", "prod": "podinfo-prod", "adm": "sealed-secrets"} {
		revision := chart
		if ns == "adm" {
			revision = "1.6.1"
		}
		r := s.releasedAt(ns, name, revision)
		st := r.Status
		if st.Phase != "Succeeded" || st.ReleaseStatus != "deployed" || st.LastAttemptedRevision != revision || st.ReleaseName != name || st.RollbackCount != 0 {
			t.Errorf("%s/%s: %s", ns, name, dump(st))
		}
		for kind, message := range map[string]string{
			"ChartFetched": "Chart fetched", "Deployed": "succeeded for Helm release '" + name + "' in '" + ns + "'",
			"Released": "Release was successful for Helm release '" + name + "' in '" + ns + "'",
		} {
			if c := condition(r, kind); c.Status != "True" || !strings.Contains(c.Message, message) {
				t.Errorf("%s/%s: condition %s: %s", ns, name, kind, dump(c))
			}
		}
		s.want(s.fairlead("status", name, "-n", ns), 0, name)
	}
	s.wantImages(map[string]string{"dev/podinfo-dev": "dev-kb9lm91e", "stg/podinfo-rc": "stg-9ij63o4c", "prod/podinfo-prod": "0.4.10"})
	s.wantColumns("dev", "podinfo-dev", "podinfo-dev", "Succeeded", "deployed", "Release was successful")
	hpa := s.get(schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}, "stg", "podinfo-rc")
	if n, _, _ := unstructured.NestedInt64(hpa.Object, "spec", "maxReplicas"); n != 10 {
		t.Errorf("the autoscaler of stg has maxReplicas %d", n)
	}
	s.want(s.fairlead("get"), 0, "podinfo-dev", "podinfo-rc", "podinfo-prod", "sealed-secrets")

	t.Run("a chart change upgrades every release of it and no other", func(t *testing.T) {
		s := s.part(t)
		mark := s.log.mark()
		meta := s.chart("podinfo", "podinfo")["charts/podinfo/Chart.yaml"]
		id := s.commit(charts, "master", map[string]string{"charts/podinfo/Chart.yaml": strings.Replace(meta, "0.2.0", "0.2.1", 1)})
		for ns, name := range map[string]string{"dev": "podinfo-dev", "stg": "podinfo-rc", "prod": "podinfo-prod"} {
			s.releasedAt(ns, name, id)
			s.want(s.helm("history", name, "-n", ns), 0, "podinfo-0.2.0", "podinfo-0.2.1")
		}
		s.wantRuns(mark, "upgrade HelmRelease/dev/podinfo-dev", "upgrade HelmRelease/stg/podinfo-rc", "upgrade HelmRelease/prod/podinfo-prod")
	})

	t.Run("a commit that touches one release runs it alone", func(t *testing.T) {
		s := s.part(t)
		mark := s.log.mark()
		file := "releases/prod/podinfo-prod.yaml"
		text := s.folder("seeds/releases", "releases")[file]
		s.commit(fleet, "master", map[string]string{file: strings.Replace(text, "tag: 0.4.10", "tag: 0.4.11", 1)})
		within(t, patient, "the image of prod is 0.4.11", func() error { return s.image("prod/podinfo-prod", "0.4.11") })
		s.released("prod", "podinfo-prod")
		s.wantRuns(mark, "upgrade Root/seeds", "upgrade HelmRelease/prod/podinfo-prod")
	})

	t.Run("a commit that touches nothing runs nothing", func(t *testing.T) {
		s := s.part(t)
		mark := s.log.mark()
		id := s.commit(charts, "master", map[string]string{"README.md": "Words."})
		meta := s.chart("podinfo", "podinfo")["charts/podinfo/Chart.yaml"]
		// A later commit that does run something shows that the first was seen and let pass.
		id2 := s.commit(charts, "master", map[string]string{"charts/podinfo/Chart.yaml": strings.Replace(meta, "0.2.0", "0.2.2", 1)})
		s.releasedAt("dev", "podinfo-dev", id2)
		s.releasedAt("stg", "podinfo-rc", id2)
		s.releasedAt("prod", "podinfo-prod", id2)
		s.wantRuns(mark, "upgrade HelmRelease/dev/podinfo-dev", "upgrade HelmRelease/stg/podinfo-rc", "upgrade HelmRelease/prod/podinfo-prod")
		if strings.Contains(s.helm("history", "podinfo-dev", "-n", "dev", "-o", "json").out, id) {
			t.Errorf("the commit %s that touched nothing was released", id)
		}
	})

	t.Run("what is taken out of Git is uninstalled", func(t *testing.T) {
		s := s.part(t)
		s.commit(fleet, "master", map[string]string{"releases/README.md": "Nothing is released."},
			"releases/dev", "releases/stg", "releases/prod", "releases/adm")
		for ns, name := range map[string]string{"dev": "podinfo-dev", "stg": "podinfo-rc", "prod": "podinfo-prod", "adm": "sealed-secrets"} {
			s.gone(helmReleases, ns, name)
			s.gone(deployments, ns, name)
			s.noRecord(ns, name)
		}
	})
}

// gone waits until an object does not exist.
func (s *story) gone(gvr schema.GroupVersionResource, ns, name string) {
	s.Helper()
	within(s.T, patient, fmt.Sprintf("%s %s/%s is gone", gvr.Resource, ns, name), func() error {
		_, err := s.dynamic.Resource(gvr).Namespace(ns).Get(s.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there (%v)", err)
	})
}

// noRecord waits until Helm knows nothing of a release.
func (s *story) noRecord(ns, name string) {
	s.Helper()
	within(s.T, patient, "no record of "+ns+"/"+name, func() error {
		list, err := s.typed.CoreV1().Secrets(ns).List(s.Context(), metav1.ListOptions{LabelSelector: "owner=helm,name=" + name})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("there are %d", len(list.Items))
		}
		return err
	})
}

// wantRuns compares the runs since a mark with what is wanted, in any order.
func (s *story) wantRuns(mark int, want ...string) {
	s.Helper()
	count := map[string]int{}
	for _, r := range s.log.runs(mark) {
		count[r]++
	}
	for _, w := range want {
		count[w]--
	}
	for r, n := range count {
		if n != 0 {
			s.Errorf("%+d × %s; log:\n%s", n, r, strings.Join(s.log.since(mark), "\n"))
		}
	}
}

func (s *story) wantImages(want map[string]string) {
	s.Helper()
	for name, tag := range want {
		if err := s.image(name, tag); err != nil {
			s.Error(err)
		}
	}
}

// image is an error when a Deployment's image has another tag.
func (s *story) image(name, tag string) error {
	ns, name, _ := strings.Cut(name, "/")
	d, err := s.typed.AppsV1().Deployments(ns).Get(s.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if got := d.Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(got, ":"+tag) {
		return fmt.Errorf("%s/%s has image %s, want tag %s", ns, name, got, tag)
	}
	return nil
}

// wantColumns checks what kubectl get shows of a HelmRelease.
func (s *story) wantColumns(ns, name string, cells ...string) {
	s.Helper()
	raw, err := s.typed.CoreV1().RESTClient().Get().AbsPath("/apis/helm.fluxcd.io/v1/namespaces/"+ns+"/helmreleases/"+name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, cell := range cells {
		if !strings.Contains(string(raw), cell) {
			s.Errorf("kubectl get does not show %q: %s", cell, raw)
		}
	}
}

// TestApplicationsOfPublicGuide applies the Applications of a guide to Argo CD word for word. Both
// deploy one chart into one namespace under fixed names: the first has the objects, the second
// must say whose they are.
func TestApplicationsOfPublicGuide(t *testing.T) {
	s := tell(t, "argocd")
	for _, repo := range []string{"ironcore864/gitops", "IronCore864/gitops"} {
		files := s.folder("charts/go-hello-http", "go-hello-http")
		s.commit(repo, "main", files)
		s.commit(repo, "hello-world", files)
	}
	manifest := func(name string) string {
		data, err := os.ReadFile("testdata/seeds/applications/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s.kubectl(manifest("hello-world"))
	first := s.synced("argocd", "hello-world")
	if len(first.Status.Resources) != 2 || first.Status.SourceType != "Helm" || len(first.Status.History) != 1 {
		t.Errorf("status: %s", dump(first.Status))
	}
	if op := first.Status.OperationState; op == nil || op.Phase != "Succeeded" || op.SyncResult == nil || len(op.SyncResult.Resources) != 2 || op.FinishedAt == nil {
		t.Errorf("operationState: %s", dump(op))
	}
	for _, r := range first.Status.Resources {
		if r.Namespace != "default" || r.Name != "go-hello-http" || r.Status != "Synced" || r.Health == nil || r.Health.Status != "Healthy" {
			t.Errorf("resource: %s", dump(r))
		}
	}
	if err := s.image("default/go-hello-http", "0.0.2"); err != nil {
		t.Error(err)
	}
	s.want(s.fairlead("status", "hello-world", "-n", "argocd"), 0, "go-hello-http")

	s.kubectl(manifest("hello-world-test"))
	within(t, patient, "the second says whose the objects are", func() error {
		app, err := s.application("argocd", "hello-world-test")
		if err != nil {
			return err
		}
		for _, c := range app.Status.Conditions {
			if strings.Contains(c.Message, "belongs to release Application/argocd/hello-world") && strings.Contains(c.Message, "go-hello-http") {
				if app.Status.Sync.Status == "Synced" {
					return fmt.Errorf("it is Synced: %s", dump(app.Status))
				}
				return nil
			}
		}
		return fmt.Errorf("%s", dump(app.Status))
	})
	a := s.fairlead("status", "hello-world-test", "-n", "argocd")
	if a.code != 1 || !strings.Contains(a.out+a.err, "belongs to release Application/argocd/hello-world") {
		t.Errorf("status exits with %d:\n%s%s", a.code, a.out, a.err)
	}
	s.synced("argocd", "hello-world")

	t.Run("a commit of the version is deployed", func(t *testing.T) {
		s := s.part(t)
		text := s.folder("charts/go-hello-http", "")["Chart.yaml"]
		id := s.commit("ironcore864/gitops", "hello-world", map[string]string{"go-hello-http/Chart.yaml": strings.Replace(text, "0.0.2", "0.0.3", 1)})
		within(t, patient, "the image is 0.0.3", func() error { return s.image("default/go-hello-http", "0.0.3") })
		within(t, patient, "the Application is at the commit", func() error {
			app, err := s.application("argocd", "hello-world")
			if err == nil && (app.Status.Sync.Revision != id || app.Status.Sync.Status != "Synced" || len(app.Status.History) != 2) {
				err = fmt.Errorf("%s", dump(app.Status))
			}
			return err
		})
	})
}

// synced waits until an Application is Synced and Healthy.
func (s *story) synced(ns, name string) *argo.Application {
	s.Helper()
	var app *argo.Application
	within(s.T, patient, ns+"/"+name+" is synced and healthy", func() (err error) {
		if app, err = s.application(ns, name); err != nil {
			return err
		}
		if app.Status.Sync.Status != "Synced" || app.Status.Health.Status != "Healthy" {
			return fmt.Errorf("%s", dump(app.Status))
		}
		return nil
	})
	return app
}
