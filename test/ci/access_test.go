package ci

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

func namespace(environment string) string { return "flask-app-" + environment }

// access does what ci/README.md tells an administrator: a namespace for each environment, and the
// rights that fairlead chart rbac finds, for the environment's jobs alone.
func (w *world) access() {
	w.t.Helper()
	page, err := os.Open(filepath.Join(w.runner.repo, "ci", "README.md"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer page.Close()
	done := 0
	for lines := bufio.NewScanner(page); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if ns, ok := strings.CutPrefix(line, "kubectl create namespace "); ok {
			o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
			if _, err := w.client.CoreV1().Namespaces().Create(w.t.Context(), o, metav1.CreateOptions{}); err != nil {
				w.t.Fatal(err)
			}
		}
		if command, ok := strings.CutSuffix(line, " | kubectl apply -f -"); ok {
			args := strings.Fields(command)
			cmd := exec.CommandContext(w.t.Context(), filepath.Join(w.bin, args[0]), args[1:]...)
			cmd.Dir = w.runner.repo
			out, err := cmd.Output()
			if err != nil {
				w.t.Fatalf("%s: %v", command, err)
			}
			w.apply(string(out))
			done++
		}
	}
	if done != len(environments) {
		w.t.Fatalf("the page gives rights to %d environments, want %d", done, len(environments))
	}
}

// platform is what the environments have before the application comes: the kind that Prometheus'
// operator brings, and the Secrets that the values files name.
func (w *world) platform() {
	w.t.Helper()
	w.apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, listKind: ServiceMonitorList, plural: servicemonitors, singular: servicemonitor}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`)
	for _, e := range environments[1:] {
		for name, key := range map[string]string{"flask-app-secrets": "secret-key", "flask-app-database": "password", "flask-app-redis": "password"} {
			o := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{key: "of-" + e}}
			if _, err := w.client.CoreV1().Secrets(namespace(e)).Create(w.t.Context(), o, metav1.CreateOptions{}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// apply creates what rbac prints.
func (w *world) apply(text string) {
	w.t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", w.cluster.Kubeconfig)
	if err != nil {
		w.t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	for docs := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		var o unstructured.Unstructured
		if err := docs.Decode(&o.Object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			w.t.Fatal(err)
		}
		if len(o.Object) == 0 {
			continue
		}
		gvr := o.GroupVersionKind().GroupVersion().WithResource(strings.ToLower(o.GetKind()) + "s")
		var to dynamic.ResourceInterface = client.Resource(gvr)
		if o.GetNamespace() != "" {
			to = client.Resource(gvr).Namespace(o.GetNamespace())
		}
		if _, err := to.Apply(w.t.Context(), o.GetName(), &o, metav1.ApplyOptions{FieldManager: "admin"}); err != nil {
			w.t.Fatalf("applying %s %s: %v", o.GetKind(), o.GetName(), err)
		}
	}
}

// image is the image of the application's pods, or "" where there is none.
func (w *world) image(t *testing.T, environment string) string {
	t.Helper()
	list, err := w.client.AppsV1().Deployments(namespace(environment)).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=flask-app"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list.Items {
		if d.Name == "flask-app" {
			return d.Spec.Template.Spec.Containers[0].Image
		}
	}
	return ""
}

// helmList is what the real helm says of an environment: name, revision and status.
func (w *world) helmList(t *testing.T, environment string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(w.bin, "helm"), "list", "--namespace", namespace(environment),
		"--kubeconfig", w.cluster.Kubeconfig, "--output", "json")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm list: %v", err)
	}
	var releases []struct{ Name, Revision, Status string }
	if err := json.Unmarshal(out, &releases); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range releases {
		list = append(list, r.Name+" "+r.Revision+" "+r.Status)
	}
	return list
}
