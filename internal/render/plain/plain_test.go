package plain

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

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

// named is a file system that names its files' contents, and counts how many it was asked to open.
type named struct {
	fstest.MapFS
	opened int
	fails  error
}

type namedEntry struct {
	fs.DirEntry
	id string
}

func (e namedEntry) ContentID() string { return e.id }

func (n *named) Open(name string) (fs.File, error) {
	n.opened++
	if n.fails != nil {
		return nil, n.fails
	}
	return n.MapFS.Open(name)
}

func (n *named) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := n.MapFS.ReadDir(name)
	for i, e := range entries {
		if !e.IsDir() {
			entries[i] = namedEntry{e, string(n.MapFS[path.Join(name, e.Name())].Data)}
		}
	}
	return entries, err
}

// TestFilesByID: what is read of files that name their contents is what would be read from disk, and
// what was read once is not opened again, wherever it lies.
func TestFilesByID(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var r, anew Renderer
	now := map[string]string{"fleet/always.yaml": configMap("always")}
	rel := model.Release{Namespace: "dev", Source: model.Ref{Files: []string{"more"}}}
	read := map[string]bool{}
	for step := range 100 {
		name := []string{"fleet/a.yaml", "fleet/sub/a.yaml", "fleet/b.json", "more/a.yaml", "more/Chart.yaml", "fleet/c.txt"}[random.IntN(6)]
		if now[name] = configMap(fmt.Sprintf("%s-%d", path.Base(path.Dir(name)), random.IntN(3))); random.IntN(3) == 0 {
			delete(now, name)
		}
		if strings.HasSuffix(name, ".json") && now[name] != "" {
			now[name] = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "json"}}`
		}
		now["more/b.yaml"] = configMap("more")
		files := &named{MapFS: fstest.MapFS{}}
		fresh := map[string]bool{}
		for name, text := range now {
			files.MapFS[name] = &fstest.MapFile{Data: []byte(text)}
			if key := name + text; !strings.HasSuffix(name, ".txt") && !read[key] {
				fresh[key] = true
			}
		}
		disk := folder(t, now)
		disk.Path = "fleet"
		want, wantErr := anew.Render(t.Context(), rel, disk)
		got, err := r.Render(t.Context(), rel, model.Artifact{Path: "fleet", Digest: "x", Files: files})
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("step %d: %v, want %v", step, err, wantErr)
		}
		if diff := cmp.Diff(want.Objects, got.Objects); diff != "" {
			t.Fatalf("step %d (-from disk +from files):\n%s", step, diff)
		}
		if files.opened > len(fresh) {
			t.Errorf("step %d: opened %d files, of which %d are new", step, files.opened, len(fresh))
		}
		for key := range fresh {
			if !strings.HasPrefix(key, "more/") || now["more/Chart.yaml"] == "" {
				read[key] = true // else it is a chart's, and nobody looked
			}
		}
	}
	broken := &named{MapFS: fstest.MapFS{"fleet/new.yaml": {Data: []byte(configMap("new"))}}, fails: errors.New("no answer")}
	if _, err := r.Render(t.Context(), model.Release{}, model.Artifact{Path: "fleet", Digest: "x", Files: broken}); err == nil || model.KindOf(err) == model.ErrInvalid {
		t.Errorf("a file that could not be read: %v", err)
	}
}

func TestMemoKeepsToItsSize(t *testing.T) {
	var m memo
	big := []model.Object{{Body: make([]byte, 1<<20)}}
	for i := range 40 {
		m.put(memoKey{name: strconv.Itoa(i)}, big, 1)
	}
	if size := m.files.Size(); size > maxMemo || size < maxMemo/2 {
		t.Errorf("%d bytes", size)
	}
	if _, ok := m.get(memoKey{name: "39"}); !ok {
		t.Error("the last one is gone")
	}
}
