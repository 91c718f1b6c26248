package plain

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func folder(t *testing.T, files map[string]string) model.Artifact {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return model.Artifact{Dir: dir, Path: ".", Digest: dir}
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestRender(t *testing.T) {
	a := folder(t, map[string]string{
		"fleet/b.yaml": "# a comment\n---\n" + configMap("b1") + "---\n# only a comment\n---\n\n" + configMap("b2") + "...\n",
		"fleet/a/list.yml": "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(configMap("l1"), "\n", "\n  ") +
			"\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: l2, namespace: prod}\n",
		"fleet/c.json":               "{\n\t\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"c1\"}\n}\n{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"c2\"}}",
		"fleet/d.yaml":               "--- {apiVersion: v1, kind: Namespace, metadata: {name: d, annotations: {argocd.argoproj.io/sync-wave: \"-1\"}}}\n",
		"fleet/crlf.yaml":            "---\r\n" + strings.ReplaceAll(configMap("crlf"), "\n", "\r\n") + "---\r\n" + strings.ReplaceAll(configMap("crlf2"), "\n", "\r\n"),
		"fleet/notes.txt":            "not a manifest",
		"fleet/.hidden.yaml":         "not: [read",
		"fleet/.git/x.yaml":          "not: [read",
		"fleet/app/Chart.yaml":       "name: app",
		"fleet/app/values.yaml":      "not: an object",
		"fleet/app/templates/x.yaml": "{{ not yaml }}",
		"other/x.yaml":               "not: [read",
	})
	a.Path = "fleet"
	var r Renderer
	for range 2 { // the second time from memory
		got, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, a)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, o := range got.Objects {
			line := o.APIVersion() + " " + o.Key.String() + " " + o.Key.Namespace + " " + o.Origin.File
			lines = append(lines, line+":"+strconv.Itoa(o.Origin.Line))
			if o.Digest != model.Digest(o.Body) || (o.Wave == -1) != (o.Key.Name == "d") {
				t.Errorf("got %+v", o)
			}
		}
		want := []string{
			"v1 ConfigMap/l1  a/list.yml:1", "apps/v1 Deployment.apps/l2 prod a/list.yml:1",
			"v1 ConfigMap/b1  b.yaml:3", "v1 ConfigMap/b2  b.yaml:10",
			"v1 Namespace/c1  c.json:1", "v1 Namespace/c2  c.json:4",
			"v1 ConfigMap/crlf  crlf.yaml:2", "v1 ConfigMap/crlf2  crlf.yaml:6",
			"v1 Namespace/d  d.yaml:1",
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"no YAML":         {map[string]string{"a.yaml": configMap("a") + "---\nx: 1\ny: : 2\n"}, "a.yaml:6: not valid YAML: mapping values are not allowed in this context"},
		"wrong indent":    {map[string]string{"a.yaml": configMap("a") + "---\nmetadata:\n  x: 1\n y: 2\n"}, "a.yaml:7: not valid YAML: did not find expected key"},
		"no JSON":         {map[string]string{"a.json": "{\n\"a\": 1,\n}"}, "a.json:3: not valid JSON: invalid character '}' looking for beginning of object key string"},
		"no object":       {map[string]string{"a.yaml": "\n\nname: x\n"}, "a.yaml:3: not a Kubernetes object: it has neither apiVersion nor kind"},
		"no kind":         {map[string]string{"a.yaml": "apiVersion: v1\n"}, "a.yaml:1: not a Kubernetes object: it has no kind"},
		"a list of words": {map[string]string{"a.yaml": "- a\n"}, "a.yaml:1: not a Kubernetes object: the document is no map"},
		"no metadata":     {map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\n"}, "a.yaml:1: Pod/: metadata is missing"},
		"name no string":  {map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: 1}\n"}, "a.yaml:1: Pod/: metadata.name is not a string: put it in quotes"},
		"label no string": {map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {on: true}}\n"}, `a.yaml:1: Pod/p: metadata.labels: the value of "true" is not a string: put it in quotes`},
		"wave":            {map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {argocd.argoproj.io/sync-wave: first}}\n"}, "a.yaml:1: Pod/p: annotation argocd.argoproj.io/sync-wave is not a whole number"},
		"item of a list":  {map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n"}, "a.yaml:1: items[0]: not a Kubernetes object: it has no apiVersion"},
		"twice": {map[string]string{"a.yaml": configMap("x"), "b/b.yaml": "---\n" + strings.Replace(configMap("x"), "{", "{namespace: dev, ", 1)},
			"b/b.yaml:2: ConfigMap/x: written twice: here and in a.yaml:1"},
		"kustomization": {map[string]string{"sub/kustomization.yaml": "resources: []"}, "sub/kustomization.yaml: Kustomize is not supported yet"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var r Renderer
			_, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, folder(t, tt.files))
			var e *model.Error
			if !errors.As(err, &e) || e.Kind != model.ErrInvalid || e.Reason == "" || e.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestNoFolderIsAnError(t *testing.T) {
	a := folder(t, map[string]string{"a.yaml": configMap("a")})
	a.Path = "gone"
	var r Renderer
	if _, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, a); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("got %v", err)
	}
	a.Path = "../.."
	if _, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, a); model.ReasonOf(err, "") != "InvalidPath" {
		t.Errorf("got %v", err)
	}
}

// TestBeside: a chart's folder holds no manifests, and what is named besides it may lie apart from it.
func TestBeside(t *testing.T) {
	a := folder(t, map[string]string{"app/Chart.yaml": "name: app", "app/no.yaml": configMap("no")})
	a.Path, a.Beside = "app", folder(t, map[string]string{"more/a.yaml": configMap("a")}).Dir
	rel := model.Release{Namespace: "apps", Source: model.Ref{Files: []string{"more/a.yaml"}}}
	got, err := new(Renderer).Render(t.Context(), rel, a)
	if err != nil || len(got.Objects) != 1 || got.Objects[0].Key.Name != "a" {
		t.Errorf("got %+v, %v", got.Objects, err)
	}
	rel.Source.Files = []string{"gone.yaml"}
	if _, err := new(Renderer).Render(t.Context(), rel, a); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("a file that is nowhere: %v", err)
	}
}

func TestLinksStayInside(t *testing.T) {
	outside := folder(t, map[string]string{"secret.yaml": configMap("stolen"), "dir/x.yaml": configMap("stolen")})
	for name, target := range map[string]string{"file.yaml": outside.Dir + "/secret.yaml", "folder": outside.Dir + "/dir", "gone.yaml": "nowhere.yaml"} {
		a := folder(t, map[string]string{"a.yaml": configMap("a")})
		if err := os.Symlink(target, filepath.Join(a.Dir, name)); err != nil {
			t.Fatal(err)
		}
		var r Renderer
		if _, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, a); model.ReasonOf(err, "") != "InvalidPath" || strings.Contains(err.Error(), outside.Dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := folder(t, map[string]string{"fleet/a.yaml": configMap("a"), "shared/b.yaml": configMap("b")})
	a.Path = "fleet"
	if err := os.Symlink("../shared", filepath.Join(a.Dir, "fleet/shared")); err != nil {
		t.Fatal(err)
	}
	var r Renderer
	got, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, a)
	if err != nil || len(got.Objects) != 2 {
		t.Errorf("a link inside: %d objects, %v", len(got.Objects), err)
	}
	if err := os.Symlink(".", filepath.Join(a.Dir, "shared/round")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Render(t.Context(), model.Release{Namespace: "dev"}, a); err == nil {
		t.Error("a link that goes round was accepted")
	}
}

func TestMemoKeepsToItsSize(t *testing.T) {
	var m memo
	big := []model.Object{{Body: make([]byte, 1<<20)}}
	for i := range 40 {
		m.put(memoKey{byte(i)}, big)
	}
	if m.size > maxMemo || len(m.byKey) != m.order.Len() {
		t.Errorf("%d bytes, %d entries, %d in order", m.size, len(m.byKey), m.order.Len())
	}
	if _, ok := m.get(memoKey{39}); !ok {
		t.Error("the last one is gone")
	}
}
