//go:build linux

package realnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// reference is a release of the reference chart, deployed without a controller.
type reference struct {
	in        *installation
	client    kubernetes.Interface
	namespace string
	args      []string // of each deployment
}

// release is what it is called, and what its Deployment and Service are called after it.
const release = "flask-app"

func newReference(t *testing.T, in *installation, namespace, values string, args ...string) *reference {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", in.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	r := &reference{in: in, client: client, namespace: namespace}
	r.args = append([]string{"deploy", release, "../../charts/flask-app", "-n", namespace, "-f", "../../charts/flask-app/" + values,
		"--atomic", "--timeout", (2 * patience).String(), "--set", "image.repository=" + in.Registry + "/flask-app"}, args...)
	// Whatever of the chart is not restricted is refused here.
	_, err = client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// deploy runs fairlead deploy and wants an exit code; it returns what was printed.
func (r *reference) deploy(t *testing.T, code int, more ...string) string {
	t.Helper()
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), program(t, "fairlead"), append(slices.Concat(r.args, more), "--kubeconfig", r.in.Kubeconfig)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("deploying %s exits with %d, want %d:\n%s", r.namespace, got, code, out)
	}
	t.Logf("%s: %q after %s", r.namespace, more, time.Since(began).Round(100*time.Millisecond))
	return string(out)
}

// secret makes one that the values name.
func (r *reference) secret(t *testing.T, name, key, value string) {
	t.Helper()
	_, err := r.client.CoreV1().Secrets(r.namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{key: value},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// url is where the release's Service is reached from this machine.
func (r *reference) url(t *testing.T) string {
	t.Helper()
	s, err := r.client.CoreV1().Services(r.namespace).Get(t.Context(), release, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://%s:%d", s.Spec.ClusterIP, s.Spec.Ports[0].Port)
}

// podURL is where one pod of the application is reached, ready or not.
func (r *reference) podURL(t *testing.T) string {
	t.Helper()
	pods, err := r.client.CoreV1().Pods(r.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=flask-app"})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("%s: %d pods, %v", r.namespace, len(pods.Items), err)
	}
	return "http://" + pods.Items[0].Status.PodIP + ":5000"
}

// ask sends a request to the Service, with a body in JSON if there is one, until it is answered with
// the status.
func (r *reference) ask(t *testing.T, path, body string, status int) string {
	t.Helper()
	return askUntil(t, r.url(t)+path, body, status)
}

func askUntil(t *testing.T, url, body string, status int) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var response *http.Response
		var err error
		if body == "" {
			response, err = client.Get(url)
		} else {
			response, err = client.Post(url, "application/json", strings.NewReader(body))
		}
		if err != nil {
			last = err.Error()
			continue
		}
		text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		response.Body.Close()
		if err == nil && response.StatusCode == status {
			return string(text)
		}
		last = fmt.Sprintf("%s %s %v", response.Status, text, err)
	}
	t.Fatalf("%s: %s; want %d", url, last, status)
	return ""
}

// stop ends a database.
func (r *reference) stop(t *testing.T, name string) {
	t.Helper()
	_, err := r.client.AppsV1().StatefulSets(r.namespace).Patch(t.Context(), name, types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// expectReady asks whether the application reaches all it needs.
func (r *reference) expectReady(t *testing.T) {
	t.Helper()
	var ready struct {
		Checks map[string]string
	}
	if err := json.Unmarshal([]byte(r.ask(t, "/ready", "", http.StatusOK)), &ready); err != nil {
		t.Fatal(err)
	}
	if ready.Checks["postgresql"] != "ok" || ready.Checks["redis"] != "ok" {
		t.Errorf("%s: %v", r.namespace, ready.Checks)
	}
}

func (r *reference) deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	d, err := r.client.AppsV1().Deployments(r.namespace).Get(t.Context(), release, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// expectRollouts wants the pods to have been made so many times.
func (r *reference) expectRollouts(t *testing.T, want int64) {
	t.Helper()
	sets, err := r.client.AppsV1().ReplicaSets(r.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := r.deployment(t).Annotations["deployment.kubernetes.io/revision"]
	if got != fmt.Sprint(want) {
		t.Errorf("%s: rollout %s with %d ReplicaSets, want rollout %d", r.namespace, got, len(sets.Items), want)
	}
}

// expectCalm wants so many pods of the application to become ready, and that no probe failed so often
// that a container was restarted.
func (r *reference) expectCalm(t *testing.T, pods int32) {
	t.Helper()
	for deadline := time.Now().Add(patience); r.deployment(t).Status.ReadyReplicas != pods; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d pods are ready, want %d", r.namespace, r.deployment(t).Status.ReadyReplicas, pods)
		}
	}
	r.expectNoRestart(t)
}

func (r *reference) expectNoRestart(t *testing.T) {
	t.Helper()
	list, err := r.client.CoreV1().Pods(r.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Items {
		for _, c := range p.Status.ContainerStatuses {
			if c.RestartCount > 0 {
				t.Errorf("%s: container %s of %s was restarted: %+v", r.namespace, c.Name, p.Name, c.LastTerminationState)
			}
		}
	}
}

// create makes an object of a manifest.
func (in *installation) create(t *testing.T, resource schema.GroupVersionResource, manifest []byte) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", in.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	var object unstructured.Unstructured
	if err := yaml.Unmarshal(manifest, &object.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Resource(resource).Create(t.Context(), &object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
