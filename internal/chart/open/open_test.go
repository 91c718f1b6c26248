package open_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// tree writes files below a new folder; a value "-> x" is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(target, at)
		} else {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	metadata = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
	reader   = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {text: {{ .Files.Get \"files/x\" | quote }}}\n"
)

func charts(t *testing.T) *open.Charts {
	t.Helper()
	c := open.New(open.Options{TempDir: t.TempDir()})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestNeighbourhood: the artifact holds the chart and what it needs of the repository, nothing else.
func TestNeighbourhood(t *testing.T) {
	dir := tree(t, map[string]string{
		".git/HEAD":                  "ref: refs/heads/main\n",
		"charts/web/Chart.yaml":      metadata + "dependencies: [{name: lib, version: 1.x, repository: 'file://../../lib'}]\n",
		"charts/web/templates/x":     "",
		"charts/web/files/shared":    "-> ../../../shared/text",
		"lib/Chart.yaml":             "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
		"lib/templates/cm.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: lib}\n",
		"shared/text":                "shared",
		"secrets/password":           "hunter2",
		"charts/other/Chart.yaml":    metadata,
		"charts/web/values.yaml":     "a: 1\n",
		"charts/web/templates/_.tpl": "",
	})
	c := charts(t)
	a, err := c.Open(t.Context(), open.Ask{Chart: filepath.Join(dir, "charts/web")})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"charts/web/Chart.yaml": true, "lib/Chart.yaml": true, "secrets/password": false, "charts/other/Chart.yaml": false, ".git/HEAD": false,
	} {
		if _, err := os.Stat(filepath.Join(a.Dir, name)); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", name, err == nil, want)
		}
	}
	r, err := c.Render(t.Context(), a, open.Request{Name: "r", Namespace: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Chart.Manifest, "# Source: web/charts/lib/templates/cm.yaml") {
		t.Errorf("the dependency is missing: %s", r.Chart.Manifest)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(a.Dir); err == nil {
		t.Error("the artifact is left")
	}
}

// TestLinks: a link that leads out of the neighbourhood brings nothing in.
func TestLinks(t *testing.T) {
	outside := tree(t, map[string]string{"secret": "hunter2"})
	for name, target := range map[string]string{
		"absolute": filepath.Join(outside, "secret"),
		"relative": "../../../../../../../../../../.." + filepath.Join(outside, "secret"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"web/Chart.yaml": metadata, "web/templates/cm.yaml": reader, "web/files/x": "-> " + target})
			c := charts(t)
			a, err := c.Open(t.Context(), open.Ask{Chart: filepath.Join(dir, "web")})
			if err == nil {
				var r model.Rendered
				if r, err = c.Render(t.Context(), a, open.Request{Name: "r", Namespace: "n"}); err == nil && strings.Contains(r.Chart.Manifest, "hunter2") {
					t.Fatal("it was read")
				}
			}
			t.Logf("%v", err)
		})
	}
}

// TestDigest: equal trees are equal, wherever they lie and whenever they were written.
func TestDigest(t *testing.T) {
	files := map[string]string{"web/Chart.yaml": metadata, "web/values.yaml": "a: 1\n"}
	c := charts(t)
	digest := func(files map[string]string) string {
		a, err := c.Open(t.Context(), open.Ask{Chart: filepath.Join(tree(t, files), "web")})
		if err != nil {
			t.Fatal(err)
		}
		return a.Digest
	}
	first := digest(files)
	if digest(files) != first {
		t.Error("the same files have another digest")
	}
	files["web/values.yaml"] = "a: 2\n"
	if digest(files) == first {
		t.Error("other files have the same digest")
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		ask  open.Ask
		want model.ErrorKind
	}{
		"absent":       {open.Ask{Chart: "nowhere"}, model.ErrNotFound},
		"no chart":     {open.Ask{Chart: t.TempDir()}, model.ErrNotFound},
		"http":         {open.Ask{Chart: "x", Repo: "http://charts.example.com"}, model.ErrDenied},
		"bad registry": {open.Ask{Chart: "oci://Registry/UPPER", Version: "1.0.0"}, model.ErrInvalid},
		"bad name":     {open.Ask{Chart: "../x", Repo: "https://127.0.0.1:1"}, ""},
	} {
		if _, err := charts(t).Open(t.Context(), tt.ask); err == nil || tt.want != "" && model.KindOf(err) != tt.want {
			t.Errorf("%s: got %v (%s)", name, err, model.KindOf(err))
		}
	}
}
