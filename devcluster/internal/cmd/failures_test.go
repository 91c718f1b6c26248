package cmd

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/fairlead-cd/fairlead/devcluster/internal/simnode"
)

// registryAddress is that of a registry that has nothing.
var registryAddress = sync.OnceValue(func() string {
	return httptest.NewServer(http.NotFoundHandler()).Listener.Addr().String()
})

func TestFailuresAreTold(t *testing.T) {
	waiting := func(reason, message string) func(*v1.Pod) error {
		return func(p *v1.Pod) error {
			for _, c := range p.Status.ContainerStatuses {
				if w := c.State.Waiting; w != nil && w.Reason == reason && strings.Contains(w.Message, message) {
					return nil
				}
			}
			return fmt.Errorf("no container waits for %s %q: %+v", reason, message, p.Status.ContainerStatuses)
		}
	}
	condition := func(kind v1.PodConditionType, reason string) func(*v1.Pod) error {
		return func(p *v1.Pod) error {
			for _, c := range p.Status.Conditions {
				if c.Type == kind && c.Status == v1.ConditionFalse && c.Reason == reason {
					return nil
				}
			}
			return fmt.Errorf("condition %s is not False because of %s: %+v", kind, reason, p.Status.Conditions)
		}
	}
	env := func(ref *v1.EnvVarSource) func(*v1.PodSpec) {
		return func(s *v1.PodSpec) { s.Containers[0].Env = []v1.EnvVar{{Name: "A", ValueFrom: ref}} }
	}
	tests := []struct {
		name, simulate string
		change         func(*v1.PodSpec)
		check          func(*v1.Pod) error
		// reason and message are of the event that tells it.
		reason, message string
	}{
		{"crash", simnode.CrashLoop, nil, func(p *v1.Pod) error {
			for _, c := range p.Status.ContainerStatuses {
				if t := c.LastTerminationState.Terminated; t != nil && t.ExitCode == 1 && c.RestartCount > 0 {
					return waiting("CrashLoopBackOff", "back-off 10s restarting failed container=api")(p)
				}
			}
			return fmt.Errorf("no container has exited with 1 and restarted: %+v", p.Status.ContainerStatuses)
		}, "BackOff", "Back-off restarting failed container api"},
		{"pull", simnode.ImagePullError, nil, waiting("ImagePullBackOff", "failed to pull and unpack image"),
			"Failed", `Failed to pull image "shop/api:1": rpc error: code = NotFound`},
		{"mirrored", "", func(s *v1.PodSpec) { s.Containers[0].Image = "registry.test:5000/shop/api:2" },
			waiting("ImagePullBackOff", "registry.test:5000/shop/api:2: not found"), "BackOff", "Back-off pulling image"},
		{"unready", simnode.Unready, nil, condition(v1.PodReady, "ContainersNotReady"),
			"Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"},
		{"unschedulable", simnode.Unschedulable, nil, condition(v1.PodScheduled, "Unschedulable"),
			"FailedScheduling", "0/1 nodes are available"},
		{"no-secret", "", env(&v1.EnvVarSource{SecretKeyRef: &v1.SecretKeySelector{
			LocalObjectReference: v1.LocalObjectReference{Name: "api-db"}, Key: "url"}}),
			waiting("CreateContainerConfigError", `secret "api-db" not found`), "Failed", `Error: secret "api-db" not found`},
		{"no-config", "", func(s *v1.PodSpec) {
			s.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{
				LocalObjectReference: v1.LocalObjectReference{Name: "app"}}}}}
		}, waiting("ContainerCreating", ""), "FailedMount", `configmap "app" not found`},
		{"typing-error", "crash-lop", nil, waiting("InvalidSimulation", "is none of"), "InvalidSimulation", "crash-lop"},
	}
	p := sharedCluster(t)
	ctx, client := context.Background(), p.client(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			annotations := map[string]string{simnode.AnnotationSimulate: test.simulate}
			d := deployment("fails-"+test.name, 1, annotations, test.change)
			if _, err := client.AppsV1().Deployments("default").Create(ctx, d, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() error { return onePod(client, d.Name, test.check) })
			eventually(t, func() error { return event(client, "fails-"+test.name, test.reason, test.message) })
		})
	}
}

func onePod(client kubernetes.Interface, app string, check func(*v1.Pod) error) error {
	list, err := client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return err
	}
	if len(list.Items) != 1 {
		return fmt.Errorf("there are %d pods, not one", len(list.Items))
	}
	return check(&list.Items[0])
}

func event(client kubernetes.Interface, prefix, reason, message string) error {
	list, err := client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, e := range list.Items {
		if strings.HasPrefix(e.InvolvedObject.Name, prefix) && e.Reason == reason && strings.Contains(e.Message, message) {
			return nil
		}
	}
	return fmt.Errorf("no event of %s has reason %s and message %q", prefix, reason, message)
}

// TestComesWhenFound shows that a pod waiting for a Secret starts when the Secret comes.
func TestComesWhenFound(t *testing.T) {
	p := sharedCluster(t)
	ctx, client := context.Background(), p.client(t)
	d := deployment("waits", 1, nil, func(s *v1.PodSpec) {
		s.Containers[0].EnvFrom = []v1.EnvFromSource{{SecretRef: &v1.SecretEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "late"}}}}
	})
	if _, err := client.AppsV1().Deployments("default").Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	phase := func(want v1.PodPhase, waits bool) func(*v1.Pod) error {
		return func(p *v1.Pod) error {
			if p.Status.Phase != want || waits && (len(p.Status.ContainerStatuses) == 0 || p.Status.ContainerStatuses[0].State.Waiting == nil) {
				return fmt.Errorf("the pod is %s", p.Status.Phase)
			}
			return nil
		}
	}
	eventually(t, func() error { return onePod(client, "waits", phase(v1.PodPending, true)) })
	secret := &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "late"}}
	if _, err := client.CoreV1().Secrets("default").Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return onePod(client, "waits", phase(v1.PodRunning, false)) })
}

func TestJobsEnd(t *testing.T) {
	p := sharedCluster(t)
	ctx, client := context.Background(), p.client(t)
	for name, want := range map[string]batchv1.JobConditionType{"": batchv1.JobComplete, simnode.JobFail: batchv1.JobFailed} {
		t.Run(string(want), func(t *testing.T) {
			limit := int32(0)
			job := &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Name: "job-" + strings.ToLower(string(want))},
				Spec: batchv1.JobSpec{BackoffLimit: &limit, Template: v1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{simnode.AnnotationSimulate: name}},
					Spec:       v1.PodSpec{RestartPolicy: v1.RestartPolicyNever, Containers: []v1.Container{{Name: "c", Image: "i"}}},
				}},
			}
			if _, err := client.BatchV1().Jobs("default").Create(ctx, job, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() error {
				got, err := client.BatchV1().Jobs("default").Get(ctx, job.Name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				for _, c := range got.Status.Conditions {
					if c.Type == want && c.Status == v1.ConditionTrue {
						return nil
					}
				}
				return fmt.Errorf("the job is not %s: %+v", want, got.Status)
			})
		})
	}
}

func TestLogs(t *testing.T) {
	p := sharedCluster(t)
	ctx, client := context.Background(), p.client(t)
	annotations := map[string]string{simnode.AnnotationSimulate: simnode.CrashLoop, simnode.AnnotationLog: "starting\npanic: DATABASE_URL is empty"}
	d := deployment("logs", 1, annotations, nil)
	if _, err := client.AppsV1().Deployments("default").Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	name := ""
	eventually(t, func() error {
		return onePod(client, "logs", func(p *v1.Pod) error {
			name = p.Name
			if p.Status.Phase != v1.PodRunning {
				return fmt.Errorf("the pod is %s", p.Status.Phase)
			}
			return nil
		})
	})
	one := int64(1)
	for want, options := range map[string]*v1.PodLogOptions{
		"starting\npanic: DATABASE_URL is empty\n": {Previous: true},
		"panic: DATABASE_URL is empty\n":           {TailLines: &one},
	} {
		got, err := client.CoreV1().Pods("default").GetLogs(name, options).DoRaw(ctx)
		if err != nil || string(got) != want {
			t.Errorf("logs with %+v: got %q, %v, want %q", options, got, err, want)
		}
	}
}
