package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helm "helm.sh/helm/v4/pkg/release/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// chartInfo is what the render stage gives for a small chart.
func chartInfo(version string) *model.ChartInfo {
	return &model.ChartInfo{
		Name: "podinfo", Version: version, AppVersion: "6.0",
		Stored: []byte(`{"metadata":{"name":"podinfo","version":"` + version + `","appVersion":"6.0","apiVersion":"v2"},
			"templates":[{"name":"templates/cm.yaml","data":"YTogYg=="}],"values":{"replicas":1},"schema":null,"files":[]}`),
		Config: []byte(`{"replicas":2}`),
		Manifest: "---\n# Source: podinfo/templates/cm.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: podinfo\n" +
			"data:\n  version: \"" + version + "\"\n",
		HookManifests: []byte(`[{"name":"job","kind":"Job","path":"podinfo/templates/job.yaml","manifest":"kind: Job","events":["pre-install"],"last_run":{"phase":""},"weight":-5}]`),
	}
}

func TestEncodeIsHelms(t *testing.T) {
	e := Entry{
		Release: model.Release{Name: "podinfo-dev", Namespace: "dev"}, Chart: chartInfo("0.2.1"),
		Notes: "go & see <it>", RollbackOf: 3,
	}
	rec := model.Record{Revision: 7, Status: model.RecordDeployed, Description: "Rollback to 3", Time: noon.Add(time.Hour), First: noon}
	data, err := encode(&e, &rec)
	if err != nil {
		t.Fatal(err)
	}
	text, err := unpack(data[releaseKey])
	if err != nil {
		t.Fatal(err)
	}
	var got helm.Release
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("Helm cannot read it: %v", err)
	}
	if got.Name != "podinfo-dev" || got.Namespace != "dev" || got.Version != 7 || got.Manifest != e.Chart.Manifest {
		t.Errorf("Helm reads %+v", got)
	}
	if got.ApplyMethod != string(helm.ApplyMethodClientSideApply) {
		t.Errorf("apply method %q: helm rollback would conflict with the field manager", got.ApplyMethod)
	}
	i := got.Info
	if i.Status != "deployed" || i.Description != "Rollback to 3" || i.RollbackRevision != 3 || i.Notes != "go & see <it>" ||
		!i.FirstDeployed.Equal(noon) || !i.LastDeployed.Equal(noon.Add(time.Hour)) {
		t.Errorf("Helm reads info %+v", i)
	}
	if got.Chart.Name() != "podinfo" || len(got.Chart.Templates) != 1 || string(got.Chart.Templates[0].Data) != "a: b" {
		t.Errorf("Helm reads chart %+v", got.Chart)
	}
	if diff := cmp.Diff(map[string]any{"replicas": 2.0}, got.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if len(got.Hooks) != 1 || got.Hooks[0].Weight != -5 || got.Hooks[0].Events[0] != helm.HookPreInstall {
		t.Errorf("Helm reads hooks %+v", got.Hooks)
	}
}

func TestEncodePlain(t *testing.T) {
	e := Entry{Release: model.Release{Name: "fleet", Namespace: "fairlead"}, Manifest: "---\nkind: Namespace\n"}
	data, err := encode(&e, &model.Record{Revision: 1, Source: model.Revision{Commit: "0123456789"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := unpack(data[releaseKey])
	if err != nil {
		t.Fatal(err)
	}
	var got helm.Release
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("Helm cannot read it: %v", err)
	}
	if m := got.Chart.Metadata; m.Name != "fleet" || m.Version != "0.0.0" || m.AppVersion != "0123456" {
		t.Errorf("Helm reads chart %+v", m)
	}
}

func TestRestateKeepsTheRest(t *testing.T) {
	data, err := pack(json.RawMessage(`{"name":"a","info":{"status":"deployed","description":"Install complete","later":{"x":1}},"future":[1,2]}`), fast)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ description, want string }{
		{"", `{"future":[1,2],"info":{"description":"Install complete","later":{"x":1},"status":"superseded"},"name":"a"}`},
		{"why", `{"future":[1,2],"info":{"description":"why","later":{"x":1},"status":"superseded"},"name":"a"}`},
	} {
		restated, err := restate(data, model.RecordSuperseded, tt.description)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(restated)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestDecodeOlderFormats(t *testing.T) {
	for name, text := range map[string]string{
		"Helm 3, empty times": `{"name":"a","info":{"first_deployed":"2021-01-01T00:00:00Z","last_deployed":"2021-01-02T00:00:00Z","deleted":"","status":"deployed"},
			"chart":{"metadata":{"name":"c","version":"1.0.0"}},"version":2,"namespace":"x"}`,
		"no chart": `{"name":"a","info":{"first_deployed":"","last_deployed":"","status":"deployed"},"version":2,"namespace":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			// Uncompressed, as Helm once wrote.
			full, err := decode(&corev1.Secret{Data: map[string][]byte{releaseKey: []byte(base64.StdEncoding.EncodeToString([]byte(text)))}})
			if err != nil {
				t.Fatal(err)
			}
			if full.Revision != 2 || full.Status != model.RecordDeployed || full.Owner != "" || full.Inventory != nil {
				t.Errorf("got %+v", full.Record)
			}
		})
	}
}

func TestDecodeRefusesRubbish(t *testing.T) {
	bomb, err := pack(json.RawMessage(`{"manifest":"`+strings.Repeat("a", maxRelease)+`"}`), small)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "no base64": []byte("%%%"), "no JSON": []byte("AAAA"), "too much": bomb,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decode(&corev1.Secret{Data: map[string][]byte{releaseKey: data}}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestLargeReleasesFit(t *testing.T) {
	noise := make([]byte, 1500<<10) // does not compress
	r := rand.NewChaCha8([32]byte{1})
	if _, err := r.Read(noise); err != nil {
		t.Fatal(err)
	}
	file := base64.StdEncoding.EncodeToString(noise)
	c := chartInfo("1.0.0")
	c.Stored = bytes.Replace(c.Stored, []byte("YTogYg=="), []byte(file), 1)
	e := Entry{Release: model.Release{Name: "a", Namespace: "b"}, Chart: c}
	data, err := encode(&e, &model.Record{Revision: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(data[releaseKey]); n > maxSecret {
		t.Errorf("%d bytes", n)
	}
	full, err := decode(&corev1.Secret{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if full.Chart.Manifest != c.Manifest || full.Chart.Name != "podinfo" {
		t.Error("the manifest or the chart's name was lost")
	}

	e.Chart.Manifest = file
	if _, err := encode(&e, &model.Record{Revision: 1}); model.ReasonOf(err, "") != "RecordTooLarge" {
		t.Errorf("a manifest that does not fit: %v", err)
	}
	if err := Fits(e); model.ReasonOf(err, "") != "RecordTooLarge" {
		t.Errorf("told beforehand: %v", err)
	}
	e.Chart.Manifest = strings.Repeat("a: b\n", 1<<20)
	if err := Fits(e); err != nil {
		t.Errorf("a long manifest that compresses: %v", err)
	}
}

func TestObjects(t *testing.T) {
	f := Full{Chart: model.ChartInfo{Manifest: `---
# Source: a/templates/empty.yaml

---
# Source: a/templates/cm.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data:
  text: |
    ---
    kind: Secret
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: two, namespace: other}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: three}
`}}
	got, err := f.Objects()
	if err != nil {
		t.Fatal(err)
	}
	want := model.Inventory{
		{Key: model.ObjectKey{Kind: "ConfigMap", Name: "one"}, Version: "v1"},
		{Key: model.ObjectKey{Group: "apps", Kind: "Deployment", Namespace: "other", Name: "two"}, Version: "v1"},
		{Key: model.ObjectKey{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "three"}, Version: "v1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	f.Chart.Manifest = "a: [b"
	if _, err := f.Objects(); err == nil {
		t.Error("a manifest that cannot be read looks like an empty one")
	}
}
