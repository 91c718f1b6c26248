package charts

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	chartcommon "helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	yamldocs "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// flask is a render of the reference chart: of the defaults, or of what is set here on top.
type flask struct {
	name    string   // of the release
	file    string   // values file beside the chart
	set     string   // YAML
	version string   // of Kubernetes
	apis    []string // beside Kubernetes' own
}

// environments are the values files of the chart.
var environments = []string{"values-dev.yaml", "values-staging.yaml", "values-prod.yaml"}

// everything switches on all there is.
const everything = `
ingress: {enabled: true}
route: {enabled: true}
autoscaling: {enabled: true}
podDisruptionBudget: {enabled: true}
networkPolicy: {enabled: true}
serviceMonitor: {enabled: true}
persistence: {enabled: true}
model: {enabled: true}
flask: {secretKey: not-a-secret}
postgresql: {enabled: true, auth: {existingSecret: database}}
redis: {enabled: true, auth: {existingSecret: redis}}
`

func (f flask) values(t *testing.T) map[string]any {
	t.Helper()
	values := map[string]any{}
	if f.file != "" {
		data, err := os.ReadFile("flask-app/" + f.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(data, &values); err != nil {
			t.Fatal(err)
		}
	}
	set := map[string]any{}
	if err := yaml.Unmarshal([]byte(f.set), &set); err != nil {
		t.Fatal(err)
	}
	return util.CoalesceTables(set, values)
}

func (f flask) render(t *testing.T) ([]unstructured.Unstructured, error) {
	t.Helper()
	c, err := loader.LoadDir("flask-app")
	if err != nil {
		t.Fatal(err)
	}
	values := f.values(t)
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		t.Fatal(err)
	}
	if f.name == "" {
		f.name = "web"
	}
	o := chartcommon.ReleaseOptions{Name: f.name, Namespace: "shop", IsInstall: true}
	capabilities := chartcommon.DefaultCapabilities.Copy()
	if f.version != "" {
		kube, err := chartcommon.ParseKubeVersion(f.version)
		if err != nil {
			t.Fatal(err)
		}
		capabilities.KubeVersion = *kube
	}
	capabilities.APIVersions = append(capabilities.APIVersions, f.apis...)
	top, err := util.ToRenderValues(c, values, o, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, top)
	if err != nil {
		return nil, err
	}
	var objects []unstructured.Unstructured
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			objects = append(objects, parse(t, name, files[name])...)
		}
	}
	return objects, nil
}

func parse(t *testing.T, name, text string) []unstructured.Unstructured {
	t.Helper()
	var objects []unstructured.Unstructured
	docs := yamldocs.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for doc, err := docs.Read(); err == nil; doc, err = docs.Read() {
		var u unstructured.Unstructured
		if err := yaml.UnmarshalStrict(doc, &u.Object); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, doc)
		}
		if len(u.Object) > 0 {
			objects = append(objects, u)
		}
	}
	return objects
}

func (f flask) must(t *testing.T) []unstructured.Unstructured {
	t.Helper()
	objects, err := f.render(t)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func find[T any](t *testing.T, objects []unstructured.Unstructured, kind, name string) *T {
	t.Helper()
	for i := range objects {
		if objects[i].GetKind() != kind || objects[i].GetName() != name {
			continue
		}
		var out T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[i].Object, &out); err != nil {
			t.Fatal(err)
		}
		return &out
	}
	t.Fatalf("there is no %s %s among %v", kind, name, kindsOf(objects))
	return nil
}

func kindsOf(objects []unstructured.Unstructured) []string {
	var kinds []string
	for _, o := range objects {
		kinds = append(kinds, o.GetKind()+"/"+o.GetName())
	}
	slices.Sort(kinds)
	return kinds
}
