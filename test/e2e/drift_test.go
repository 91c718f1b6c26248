package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// TestDrift edits what a release consists of behind Git's back: what the release says is put back,
// what it says nothing about is left alone.
func TestDrift(t *testing.T) {
	s := tell(t, "drift")
	const repo = "drift/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(s.helmRelease("web", repo, "web", "{message: as in Git}"))
	s.released(s.ns, "web")

	for _, c := range []struct {
		name  string
		gvr   schema.GroupVersionResource
		patch string // empty deletes
		path  []string
		want  any
	}{
		{"data", configMaps, `{"data":{"MESSAGE":"edited"}}`, []string{"data", "MESSAGE"}, "as in Git"},
		{"image", deployments, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.com/web:edited"}]}}}}`, []string{"spec", "template", "spec", "containers"}, "example.com/web:1.0"},
		{"label", deployments, `{"metadata":{"labels":{"app":null}}}`, []string{"metadata", "labels", "app"}, "web"},
		{"scale", deployments, `{"spec":{"replicas":3}}`, []string{"spec", "replicas"}, int64(1)},
		{"deletion", configMaps, "", []string{"data", "MESSAGE"}, "as in Git"},
	} {
		begin := time.Now()
		uid := s.get(c.gvr, s.ns, "web").GetUID()
		if c.patch == "" {
			if err := s.dynamic.Resource(c.gvr).Namespace(s.ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		} else {
			s.patch(c.gvr, s.ns, "web", c.patch)
		}
		within(t, patient, c.name+" is put back", func() error {
			u, err := s.dynamic.Resource(c.gvr).Namespace(s.ns).Get(t.Context(), "web", metav1.GetOptions{})
			if err != nil {
				return err
			}
			if c.patch == "" && u.GetUID() == uid {
				return fmt.Errorf("it is not deleted yet")
			}
			got, _, _ := unstructured.NestedFieldNoCopy(u.Object, c.path...)
			if list, ok := got.([]any); ok {
				got = list[0].(map[string]any)["image"]
			}
			if got != c.want {
				return fmt.Errorf("it is %v", got)
			}
			return nil
		})
		t.Logf("%s was put back after %s", c.name, time.Since(begin).Round(time.Millisecond))
	}

	s.released(s.ns, "web")
	mark := s.log.mark()
	s.patch(deployments, s.ns, "web", `{"metadata":{"annotations":{"example.com/note":"mine"}},"spec":{"template":{"spec":{"terminationGracePeriodSeconds":5}}}}`)
	// A status is no desired state: it causes no run either.
	within(t, patient, "the pods follow the edit", func() error {
		d, err := s.typed.AppsV1().Deployments(s.ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && (d.Status.ObservedGeneration != d.Generation || d.Status.UpdatedReplicas != 1 || d.Status.ReadyReplicas != 1 || d.Status.Replicas != 1) {
			err = fmt.Errorf("%s", dump(d.Status))
		}
		return err
	})
	// A repair that follows shows that the controller saw what came before it.
	s.patch(configMaps, s.ns, "web", `{"data":{"MESSAGE":"edited again"}}`)
	s.wantMessage("web", "as in Git")
	s.wantRuns(mark, "repair HelmRelease/drift/web")
	d, err := s.typed.AppsV1().Deployments(s.ns).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Annotations["example.com/note"] != "mine" || *d.Spec.Template.Spec.TerminationGracePeriodSeconds != 5 {
		t.Errorf("what the chart says nothing about was changed: %v, %d s", d.Annotations, *d.Spec.Template.Spec.TerminationGracePeriodSeconds)
	}
	if a := s.helm("history", "web", "-n", s.ns, "-o", "json"); len(a.out) == 0 || a.code != 0 {
		t.Errorf("helm history: %s", a.err)
	}
}

// TestDriftDuringRollout: what somebody deletes while a new revision is rolled out comes back at once;
// the rollout goes on, and is not taken for a failed one.
func TestDriftDuringRollout(t *testing.T) {
	s := tell(t, "drift-rollout")
	const repo = "drift-rollout/charts"
	s.commit(repo, "main", s.chart("web", "web"))
	s.kubectl(strings.Replace(s.helmRelease("web", repo, "web", "{message: one}"), "  timeout: 60", "  timeout: 60\n  rollback: {enable: true}", 1))
	s.released(s.ns, "web")

	mark := s.log.mark()
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two","podAnnotations":{"fairlead.dev/simulate":"unready"}}}}`)
	within(t, patient, "the new pod is there and not ready", func() error {
		d, err := s.typed.AppsV1().Deployments(s.ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && (d.Status.ObservedGeneration != d.Generation || d.Status.UpdatedReplicas != 1 || d.Status.UnavailableReplicas != 1) {
			err = fmt.Errorf("%s", dump(d.Status))
		}
		return err
	})
	uid := s.get(configMaps, s.ns, "web").GetUID()
	if err := s.dynamic.Resource(configMaps).Namespace(s.ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	within(t, patient, "the ConfigMap is back", func() error {
		u, err := s.dynamic.Resource(configMaps).Namespace(s.ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && (u.GetUID() == uid || message(u) != "two") {
			err = fmt.Errorf("%s", dump(u.Object))
		}
		return err
	})
	within(t, patient, "the repair is told", func() error { // once it is known what came of it
		if runs := s.log.runs(mark); len(runs) < 2 {
			return fmt.Errorf("%v", runs)
		}
		return nil
	})
	s.wantRuns(mark, "upgrade HelmRelease/drift-rollout/web", "repair HelmRelease/drift-rollout/web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"podAnnotations":null}}}`)
	s.released(s.ns, "web")
	if a := s.helm("history", "web", "-n", s.ns); a.code != 0 || strings.Contains(a.out, "fail") {
		t.Errorf("helm history:\n%s%s", a.out, a.err)
	}
}

// TestJobThatGoes: a Job that Kubernetes deletes some time after it finished (ttlSecondsAfterFinished)
// is not missed then, and not run again before it is another one.
func TestJobThatGoes(t *testing.T) {
	s := tell(t, "job")
	const repo = "job/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/seed.yaml"] = `apiVersion: batch/v1
kind: Job
metadata: {name: seed}
spec:
  ttlSecondsAfterFinished: 1
  template:
    spec:
      restartPolicy: Never
      containers: [{name: seed, image: "example.com/seed:{{ .Values.seed }}"}]
`
	s.commit(repo, "main", files)
	s.kubectl(s.helmRelease("web", repo, "web", "{seed: one, message: one}"))
	s.released(s.ns, "web")
	typed := s.typed.BatchV1().Jobs(s.ns)
	s.gone(jobs, s.ns, "seed")
	mark := s.log.mark()
	// A repair, and then an upgrade, show that the controller saw what came before.
	s.patch(configMaps, s.ns, "web", `{"data":{"MESSAGE":"edited"}}`)
	s.wantMessage("web", "one")
	s.wantRuns(mark, "repair HelmRelease/job/web")
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"message":"two"}}}`)
	s.released(s.ns, "web")
	s.wantRuns(mark, "repair HelmRelease/job/web", "upgrade HelmRelease/job/web")
	if _, err := typed.Get(t.Context(), "seed", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Job ran again: %v", err)
	}
	s.want(s.fairlead("status", "web", "-n", s.ns), 0)

	// Another Job by the same name does run.
	made, err := typed.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=seed"})
	if err != nil {
		t.Fatal(err)
	}
	defer made.Stop()
	s.patch(helmReleases, s.ns, "web", `{"spec":{"values":{"seed":"two"}}}`)
	select {
	case e := <-made.ResultChan():
		if job, ok := e.Object.(*batchv1.Job); !ok || job.Spec.Template.Spec.Containers[0].Image != "example.com/seed:two" {
			t.Errorf("%s %+v", e.Type, e.Object)
		}
	case <-time.After(patient):
		t.Error("the new Job was not made")
	}
	s.released(s.ns, "web")
	s.gone(jobs, s.ns, "seed")
}

// TestJobThatFails: that Kubernetes deletes a failed Job some time later heals nothing. It is run again
// when somebody asks for that.
func TestJobThatFails(t *testing.T) {
	s := tell(t, "failed-job")
	const repo = "failed-job/charts"
	files := s.chart("web", "web")
	files["charts/web/templates/seed.yaml"] = `apiVersion: batch/v1
kind: Job
metadata: {name: seed}
spec:
  backoffLimit: 0
  ttlSecondsAfterFinished: 1
  template:
    metadata: {annotations: {fairlead.dev/simulate: job-fail, fairlead.dev/simulate-log: "relation is missing"}}
    spec:
      restartPolicy: Never
      containers: [{name: seed, image: "example.com/seed:1.0"}]
`
	s.commit(repo, "main", files)
	s.kubectl(s.helmRelease("web", repo, "web", "{message: one}"))
	s.told(s.ns, "web", "Released", "False", "Job/seed")
	typed := s.typed.BatchV1().Jobs(s.ns)
	made, err := typed.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer made.Stop()
	s.gone(jobs, s.ns, "seed")
	mark := s.log.mark()
	s.patch(configMaps, s.ns, "web", `{"data":{"MESSAGE":"edited"}}`)
	s.wantMessage("web", "one")
	s.wantRuns(mark, "repair HelmRelease/failed-job/web")
	s.told(s.ns, "web", "Released", "False", "Job/seed")
	s.want(s.fairlead("status", "web", "-n", s.ns), 1, "Job/seed")
	s.want(s.fairlead("sync", "web", "-n", s.ns, "--wait"), 3, "Job/seed", "relation is missing", " -c seed\n")
	for again := false; !again; {
		select {
		case e := <-made.ResultChan():
			again = e.Type == watch.Added
		case <-time.After(patient):
			t.Fatal("the Job was not run again")
		}
	}
}
