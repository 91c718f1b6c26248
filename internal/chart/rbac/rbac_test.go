package rbac

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

var update = flag.Bool("update", false, "write golden files")

// rendered reads manifests as if a chart had rendered them; hooks are told by their annotation.
func rendered(t *testing.T, file, text string) model.Rendered {
	t.Helper()
	var r model.Rendered
	for _, doc := range manifest.Split([]byte(text)) {
		objects, err := manifest.Decode(doc.Text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			o.Origin.File = file
			if events := annotation(&o, "helm.sh/hook"); events != "" {
				o.Hook = &model.Hook{Events: strings.Split(events, ",")}
				r.Hooks = append(r.Hooks, o)
				continue
			}
			r.Objects = append(r.Objects, o)
		}
	}
	return r
}

func compute(t *testing.T, tool Tool, text string) Result {
	t.Helper()
	return Compute(Input{Tool: tool, Release: "shop", Namespace: "prod", Rendered: []model.Rendered{rendered(t, "templates/all.yaml", text)}})
}

const app = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shared, namespace: other, annotations: {helm.sh/resource-policy: keep}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}
---
apiVersion: v1
kind: Pod
metadata: {name: test, annotations: {helm.sh/hook: test}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shop}
rules:
- {apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [shop], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shop}
roleRef: {kind: Role, name: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop}
roleRef: {kind: ClusterRole, name: system:auth-delegator}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: shop}
spec: {host: shop.example.com}
`

// TestManifests holds what people read.
func TestManifests(t *testing.T) {
	for _, tool := range []Tool{Fairlead, Helm} {
		in := Input{Tool: tool, Release: "shop", Namespace: "prod", Rendered: []model.Rendered{rendered(t, "templates/all.yaml", app)}}
		res := Compute(in)
		text, err := YAML(res.Manifests(in, "shop-deploy", Subject{Kind: "ServiceAccount", Name: "deployer", Namespace: "ci"}))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", string(tool)+".yaml")
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func strs(r Rights) []string {
	var all []string
	for _, right := range r.Sorted() {
		at := right.Namespace
		if at == "" {
			at = "*"
		}
		what := right.Resource
		if right.Group != "" {
			what += "." + right.Group
		}
		if right.Name != "" {
			what += "/" + right.Name
		}
		all = append(all, at+": "+right.Verb+" "+what+right.URL)
	}
	return all
}

// TestEscalation: what a chart's roles give has to be had.
func TestEscalation(t *testing.T) {
	const head = "apiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: x}\n"
	for name, tt := range map[string]struct {
		text      string
		has, lack []string
	}{
		"a role's rules are held in its namespace": {
			head + "kind: Role\nrules: [{apiGroups: [a], resources: [b], verbs: [c]}]",
			[]string{"prod: c b.a"}, []string{"*: c b.a"},
		},
		"a cluster role's everywhere": {
			head + "kind: ClusterRole\nrules: [{apiGroups: [a], resources: [b], resourceNames: [m], verbs: [c]}, {nonResourceURLs: [/metrics], verbs: [get]}]",
			[]string{"*: c b.a/m", "*: get /metrics"}, nil,
		},
		"what is covered is not repeated": {
			head + "kind: ClusterRole\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]",
			[]string{"*: * *.*"}, []string{"prod: get secrets", "*: patch clusterroles.rbac.authorization.k8s.io/x"},
		},
		"an aggregated role is escalated": {
			head + "kind: ClusterRole\naggregationRule: {clusterRoleSelectors: []}\nrules: []",
			[]string{"*: escalate clusterroles.rbac.authorization.k8s.io/x"}, nil,
		},
		"a role from elsewhere is bound": {
			head + "kind: RoleBinding\nroleRef: {kind: ClusterRole, name: view}",
			[]string{"prod: bind clusterroles.rbac.authorization.k8s.io/view"}, []string{"*: bind clusterroles.rbac.authorization.k8s.io/view"},
		},
		"in the namespace of the binding": {
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x, namespace: kube-system}\nroleRef: {kind: Role, name: reader}",
			[]string{"kube-system: bind roles.rbac.authorization.k8s.io/reader", "kube-system: create rolebindings.rbac.authorization.k8s.io/x"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := strs(compute(t, Helm, tt.text).Rights)
			for _, want := range tt.has {
				if !slices.Contains(got, want) {
					t.Errorf("no %q in %q", want, got)
				}
			}
			for _, not := range tt.lack {
				if slices.Contains(got, not) {
					t.Errorf("%q is too much", not)
				}
			}
		})
	}
}

func TestCovers(t *testing.T) {
	secret := Right{Namespace: "a", Resource: "secrets", Verb: "get", Name: "x"}
	for name, tt := range map[string]struct {
		have, want Right
		covers     bool
	}{
		"itself":            {secret, secret, true},
		"all names":         {Right{Namespace: "a", Resource: "secrets", Verb: "get"}, secret, true},
		"one name":          {secret, Right{Namespace: "a", Resource: "secrets", Verb: "get"}, false},
		"the cluster":       {Right{Resource: "secrets", Verb: "get"}, secret, true},
		"another namespace": {Right{Namespace: "b", Resource: "secrets", Verb: "get"}, secret, false},
		"every verb":        {Right{Resource: "secrets", Verb: "*"}, secret, true},
		"another group":     {Right{Group: "apps", Resource: "secrets", Verb: "get"}, secret, false},
		"every resource":    {Right{Group: "*", Resource: "*", Verb: "get"}, secret, true},
		"a subresource":     {Right{Resource: "pods", Verb: "get"}, Right{Resource: "pods/log", Verb: "get"}, false},
		"every scale":       {Right{Group: "*", Resource: "*/scale", Verb: "get"}, Right{Group: "apps", Resource: "deployments/scale", Verb: "get"}, true},
		"a URL":             {Right{URL: "/healthz/*", Verb: "get"}, Right{URL: "/healthz/live", Verb: "get"}, true},
		"a URL, a resource": {Right{Group: "*", Resource: "*", Verb: "*"}, Right{URL: "/metrics", Verb: "get"}, false},
	} {
		if got := tt.have.covers(tt.want); got != tt.covers {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestKinds(t *testing.T) {
	res := compute(t, Helm, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: mice.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Mouse, plural: mice}}
---
apiVersion: example.com/v1
kind: Mouse
metadata: {name: m}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: np}
---
apiVersion: other.example.com/v1
kind: ClusterThing
metadata: {name: c}
---
apiVersion: other.example.com/v1
kind: Gateway
metadata: {name: g}
`)
	got := strs(res.Rights)
	for _, want := range []string{
		"*: patch mice.example.com/m", "prod: patch networkpolicies.networking.k8s.io/np", "*: patch clusterthings.other.example.com/c",
		"prod: patch gateways.other.example.com/g", "*: delete customresourcedefinitions.apiextensions.k8s.io/mice.example.com",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if len(res.Warnings) != 2 || !strings.Contains(res.Warnings[0], "nothing here defines other.example.com/v1 ClusterThing") {
		t.Errorf("warnings %q", res.Warnings)
	}
	asked := Compute(Input{Tool: Helm, Release: "r", Namespace: "prod", Rendered: []model.Rendered{rendered(t, "x", "apiVersion: q/v1\nkind: Odd\nmetadata: {name: o}")},
		Resolve: func(gvk schema.GroupVersionKind) (Resource, bool) {
			return Resource{Group: gvk.Group, Name: "oddities"}, gvk.Kind == "Odd"
		}})
	if got := strs(asked.Rights); !slices.Contains(got, "*: patch oddities.q/o") || len(asked.Warnings) > 0 {
		t.Errorf("got %q, %q", got, asked.Warnings)
	}
}

func TestCRDFolder(t *testing.T) {
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\n"
	res := Compute(Input{Tool: Helm, Release: "r", Namespace: "prod", Rendered: []model.Rendered{rendered(t, "charts/sub/crds/a.yaml", crd)}})
	got := strs(res.Rights)
	if slices.Contains(got, "*: delete customresourcedefinitions.apiextensions.k8s.io/a.b") || !slices.Contains(got, "*: patch customresourcedefinitions.apiextensions.k8s.io/a.b") {
		t.Errorf("got %q", got)
	}
}

func TestLookups(t *testing.T) {
	text := `# lookup "v1" "ConfigMap" in the text
{{- /* lookup "v1" "Node" "" "" */ -}}
{{ $s := lookup "v1" "Secret" .Release.Namespace (include "name" .) }}
{{ range (lookup "apps/v1" "Deployment" "other" "").items }}{{ end }}
{{ lookup .Values.api "Thing" "" "x" }}`
	in := Input{Tool: Helm, Release: "r", Namespace: "prod", Lookups: FindLookups("templates/x.yaml", text)}
	if len(in.Lookups) != 3 {
		t.Fatalf("found %+v", in.Lookups)
	}
	res := Compute(in)
	if got := strs(res.Rights); !slices.Contains(got, "other: list deployments.apps") || !slices.Contains(got, "prod: get secrets") {
		t.Errorf("got %q", got)
	}
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "a kind that it computes") {
		t.Errorf("warnings %q", res.Warnings)
	}
	in.Tool = Fairlead
	if res := Compute(in); len(res.Warnings) != 1 || !slices.Contains(strs(res.Rights), "other: list deployments.apps") {
		t.Errorf("got %q, %q", strs(res.Rights), res.Warnings)
	}
}

func TestAnyName(t *testing.T) {
	in := Input{Tool: Fairlead, Release: "shop", Namespace: "prod", AnyName: true, Rendered: []model.Rendered{rendered(t, "x", app)}}
	got := strs(Compute(in).Rights)
	for _, want := range []string{"prod: patch configmaps", "prod: update configmaps/shop", "*: bind clusterroles.rbac.authorization.k8s.io/system:auth-delegator", "prod: update secrets/fairlead.lock.shop"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestDiagnose(t *testing.T) {
	in := Input{Tool: Fairlead, Release: "shop", Namespace: "prod", Diagnose: true}
	if got := strs(Compute(in).Rights); !slices.Contains(got, "prod: get pods/log") || !slices.Contains(got, "prod: watch events") {
		t.Errorf("got %q", got)
	}
}

// TestUnreadable: what cannot be read is told, and is not taken for a role that gives nothing.
func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\nrules: [{verbs: [true]}]",
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: view",
		"apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: x}\nspec: []",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {}",
	} {
		if res := compute(t, Helm, text); len(res.Warnings) == 0 {
			t.Errorf("no warning of\n%s", text)
		}
	}
}

func TestPlural(t *testing.T) {
	for kind, want := range map[string]string{
		"Deployment": "deployments", "NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "Gateway": "gateways", "Endpoints": "endpoints",
		"StorageClass": "storageclasses", "Prometheus": "prometheuses", "SecurityContextConstraints": "securitycontextconstraints", "Mesh": "meshes",
	} {
		if got := plural(kind); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}

func TestEverything(t *testing.T) {
	res := compute(t, Fairlead, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: x}\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]")
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "ClusterRole/x grants everything in the whole cluster") {
		t.Errorf("warnings %q", res.Warnings)
	}
}

// TestWellKnown: what half of all charts contain is not warned of.
func TestWellKnown(t *testing.T) {
	res := compute(t, Helm, `
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: a}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: b}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: c}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: d}
`)
	got := strs(res.Rights)
	for _, want := range []string{
		"prod: patch servicemonitors.monitoring.coreos.com/a", "*: patch clusterissuers.cert-manager.io/b",
		"*: patch gatewayclasses.gateway.networking.k8s.io/c", "prod: patch routes.route.openshift.io/d",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if len(res.Warnings) > 0 {
		t.Errorf("warnings %q", res.Warnings)
	}
}
