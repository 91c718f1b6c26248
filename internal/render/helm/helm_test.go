package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	release "helm.sh/helm/v4/pkg/release/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var update = flag.Bool("update", false, "write golden files")

var testCapabilities = model.Capabilities{KubeVersion: "v1.36.3", APIVersions: []string{"apps/v1", "apps/v1/Deployment", "v1"}}

func yamlLayer(text string) []model.ValuesLayer {
	return []model.ValuesLayer{{Origin: "spec.values", YAML: []byte(text)}}
}

// chartCases are rendered into golden files and compared with Helm's own install action.
var chartCases = []struct {
	name   string
	chart  string
	values []model.ValuesLayer
	setup  func(*Request)
}{
	{name: "web", chart: "web"},
	{name: "web-values", chart: "web", values: []model.ValuesLayer{
		{Origin: "spec.values", YAML: []byte("replicas: 3\nenv: {REMOVED: null, EXTRA: a}\nimage: {tag: v1}\n")},
		{Origin: "parameters", Set: &model.Parameter{Name: "podAnnotations.list", Value: "a,b"}},
		{Origin: "parameters", Set: &model.Parameter{Name: "image.tag", Value: "007", ForceString: true}},
	}},
	{name: "hooks", chart: "hooks", setup: func(r *Request) { r.IsUpgrade, r.Revision = false, 1 }},
	{name: "parent", chart: "parent", values: yamlLayer("db: {enabled: true, name: null}\nglobal: {domain: other.example}\n")},
	{name: "parent-without-db", chart: "parent", values: yamlLayer("db: {enabled: false}\n")},
	{name: "legacy", chart: "legacy", values: yamlLayer("color: blue\n")},
}

func request(chart string, values []model.ValuesLayer) Request {
	return Request{
		Dir: "testdata", Path: chart, Digest: "sha256:" + chart, Name: "shop", Namespace: "dev",
		Values: values, Capabilities: testCapabilities,
	}
}

func TestRenderGolden(t *testing.T) {
	for _, tt := range chartCases {
		t.Run(tt.name, func(t *testing.T) {
			req := request(tt.chart, tt.values)
			if tt.setup != nil {
				tt.setup(&req)
			}
			r, err := Render(t.Context(), req, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".golden", describe(t, r))
		})
	}
}

// describe writes a result as people read it.
func describe(t *testing.T, r model.Rendered) []byte {
	t.Helper()
	var b bytes.Buffer
	section := func(name string, objects []model.Object) {
		for _, o := range objects {
			b.WriteString("== " + name + " " + o.APIVersion() + " " + o.Key.String() + " ns=" + o.Key.Namespace + " from " + o.Origin.File)
			if o.Hook != nil {
				h, err := json.Marshal(o.Hook)
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(" " + string(h))
			}
			if o.Wave != 0 {
				b.WriteString(" wave")
			}
			b.WriteString("\n" + string(o.Body) + "\n")
		}
	}
	section("object", r.Objects)
	section("hook", r.Hooks)
	b.WriteString("== notes\n" + r.Notes + "== config\n" + string(r.Chart.Config) + "\n== manifest\n" + r.Chart.Manifest)
	return b.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

// TestRenderAsHelm compares with what Helm's own install action makes of the same chart.
func TestRenderAsHelm(t *testing.T) {
	for _, tt := range chartCases {
		t.Run(tt.name, func(t *testing.T) {
			req := request(tt.chart, tt.values)
			got, err := Render(t.Context(), req, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := helmInstall(t, req)
			if diff := cmp.Diff(want.Manifest, got.Chart.Manifest); diff != "" {
				t.Errorf("manifest (-helm +got):\n%s", diff)
			}
			compareJSON(t, "chart", want.Chart, got.Chart.Stored)
			compareJSON(t, "config", want.Config, got.Chart.Config)
			if len(want.Hooks) > 0 || got.Chart.HookManifests != nil {
				compareJSON(t, "hooks", want.Hooks, got.Chart.HookManifests)
			}
			if want.Info.Notes != got.Notes {
				t.Errorf("notes: got %q, Helm has %q", got.Notes, want.Info.Notes)
			}
		})
	}
}

func compareJSON(t *testing.T, what string, want any, got []byte) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(got)); diff != "" {
		t.Errorf("%s (-helm +got):\n%s", what, diff)
	}
}

func helmInstall(t *testing.T, req Request) *release.Release {
	t.Helper()
	install := action.NewInstall(action.NewConfiguration())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace = req.Name, req.Namespace
	v, err := common.ParseKubeVersion(req.Capabilities.KubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	install.KubeVersion, install.APIVersions = v, req.Capabilities.APIVersions
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	c, err := load(root, req.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := complete(root, req.Path, c, nil); err != nil {
		t.Fatal(err)
	}
	values, err := mergeValues(valuesFiles{chart: root}, req.Path, req.Values, &mask{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := install.RunWithContext(t.Context(), c, values)
	if err != nil {
		t.Fatal(err)
	}
	rel, ok := r.(*release.Release)
	if !ok {
		t.Fatalf("Helm gave a %T", r)
	}
	return rel
}

// TestRenderSharedChart renders one loaded chart again and again with other values: nothing of one
// render may be seen in the next.
func TestRenderSharedChart(t *testing.T) {
	charts := &Recent{Max: 2}
	alone := map[string]string{}
	for range 2 {
		for _, tt := range chartCases {
			r, err := Render(t.Context(), request(tt.chart, tt.values), charts)
			if err != nil {
				t.Fatal(err)
			}
			text := string(describe(t, r)) + string(r.Chart.Stored)
			if before, ok := alone[tt.name]; ok && before != text {
				t.Errorf("%s differs the second time:\n%s", tt.name, cmp.Diff(before, text))
			}
			alone[tt.name] = text
		}
	}
}

func asError(t *testing.T, err error) *model.Error {
	t.Helper()
	var e *model.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want a *model.Error", err, err)
	}
	if strings.Contains(e.Error(), "\n") {
		t.Errorf("message has several lines: %q", e.Error())
	}
	return e
}
