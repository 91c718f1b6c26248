package trial

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var cluster = testkit.SharedCluster{Options: testkit.ClusterOptions{Node: "none"}}

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

func newServer(t *testing.T) *Server {
	t.Helper()
	cfg, err := kube.Config(cluster.Get(t).Kubeconfig, "")
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	cfg.WarningHandler = rest.NewWarningWriter(io.Discard, rest.WarningWriterOptions{})
	typed, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Typed: typed, Dynamic: dyn, Label: "the test's cluster", Mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery()))}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func objects(t *testing.T, text string) []model.Object {
	t.Helper()
	var all []model.Object
	for _, doc := range manifest.Split([]byte(text)) {
		os, err := manifest.Decode(doc.Text, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, os...)
	}
	return all
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: elsewhere}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"CONTAINER}]}
`

func TestTry(t *testing.T) {
	s := newServer(t)
	text := strings.Join([]string{
		strings.ReplaceAll(deployment, "CONTAINER", ""),
		strings.ReplaceAll(strings.ReplaceAll(deployment, "name: web,", "name: bad,"), "CONTAINER", ", imagePullPolcy: Always"),
		strings.ReplaceAll(deployment, "CONTAINER", ", ports: [{containerPort: 99999}]"),
		"apiVersion: v1\nkind: Pod\nmetadata: {name: alone}\nspec: {serviceAccountName: not-there-yet, priorityClassName: nor-this, containers: [{name: x, image: x}]}\n",
		"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\n",
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: of-a-test}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-}\n",
	}, "---\n")
	got, err := s.Try(t.Context(), objects(t, text))
	if err != nil {
		t.Fatal(err)
	}
	want := []check.Verdict{
		{},
		{Faults: []check.Problem{{Field: "spec.template.spec.containers[0].imagePullPolcy", Message: "field not declared in schema"}}},
		{Faults: []check.Problem{{Field: "spec.template.spec.containers[0].ports[0].containerPort", Message: "Invalid value: 99999: must be between 1 and 65535, inclusive"}}},
		{},
		{Skipped: "the server does not know the kind"},
		{},
		{Skipped: "its name is made by the server"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(s.String(), "the test's cluster (v1.") {
		t.Errorf("it calls itself %s", s)
	}

	// Nothing was kept, and the namespace goes.
	if _, err := s.Typed.(kubernetes.Interface).RbacV1().ClusterRoles().Get(t.Context(), "of-a-test", metav1.GetOptions{}); err == nil {
		t.Error("the trial made a ClusterRole")
	}
	made := s.made
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ns, err := s.Typed.CoreV1().Namespaces().Get(t.Context(), made, metav1.GetOptions{})
	if err == nil && ns.DeletionTimestamp == nil {
		t.Errorf("namespace %s stays", made)
	}
}

// The schemas that are embedded and the server agree on what is a mistake of form.
func TestAgreement(t *testing.T) {
	s := newServer(t)
	schemas, err := kubeschema.For(cluster.Get(t).Version)
	if err != nil {
		t.Fatal(err)
	}
	container := func(text string) string { return strings.ReplaceAll(deployment, "CONTAINER", text) }
	for name, text := range map[string]string{
		"right":                  container(""),
		"number for a quantity":  container(", resources: {limits: {cpu: 1, memory: 1000000}}"),
		"port by name or number": container(", ports: [{name: http, containerPort: 80}], readinessProbe: {httpGet: {port: http}}, livenessProbe: {httpGet: {port: 80}}"),
		"null":                   container(", env: null, resources: null"),
		"misspelt":               container(", imagePullPolcy: Always"),
		"no such value":          container(", imagePullPolicy: Sometimes"),
		"string for a number":    container(", ports: [{containerPort: \"80\"}]"),
		"number for a string":    container(", env: [{name: A, value: 1}]"),
		"boolean for a string":   container(", env: [{name: A, value: true}]"),
		"twice":                  container(", env: [{name: A, value: a}, {name: A, value: b}]"),
		"no quantity":            container(", resources: {limits: {memory: 64MB}}"),
		"a map for a list":       container(", env: {A: a}"),
		"no name":                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {matchLabels: {a: a}}, template: {metadata: {labels: {a: a}}, spec: {containers: [{image: x}]}}}\n",
		"role without a group":   "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: {kind: Role, name: x, apiGroup: rbac.authorization.k8s.io}\nsubjects: [{kind: ServiceAccount, name: x, namespace: x}]\n",
		"all pods":               "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x}\nspec: {policyTypes: [Ingress]}\n",
		"no path type":           "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x}\nspec: {rules: [{http: {paths: [{path: /, backend: {service: {name: x, port: {number: 80}}}}]}}]}\n",
		"no base64":              "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: \"no base64!\"}\n",
		"number in a ConfigMap":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: 1}\n",
	} {
		t.Run(name, func(t *testing.T) {
			os := objects(t, text)
			verdicts, err := s.Try(t.Context(), os)
			if err != nil {
				t.Fatal(err)
			}
			kind, ok := schemas.Kind(os[0].APIVersion(), os[0].Key.Kind)
			if !ok {
				t.Fatal("the kind is not known")
			}
			dec := json.NewDecoder(strings.NewReader(string(os[0].Body)))
			dec.UseNumber()
			var body map[string]any
			if err := dec.Decode(&body); err != nil {
				t.Fatal(err)
			}
			here, there := kind.Validate(body), verdicts[0].Faults
			if (len(here) > 0) != (len(there) > 0) {
				t.Errorf("the schemas say %v, the server %v", here, there)
			}
		})
	}
}
