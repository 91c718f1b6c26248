package pack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/chart/pack"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// chart writes a chart's files into a new folder.
func chart(t *testing.T, more map[string]string) string {
	t.Helper()
	files := map[string]string{
		"Chart.yaml":             "# ours\napiVersion: v2\nname: shop\nversion: 1.2.3 # bumped by hand\nappVersion: '7'\n",
		"values.yaml":            "# -- how many\nreplicas: 1\n",
		".helmignore":            "*.bak\n",
		"templates/cm.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
		"templates/cm.yaml.bak":  "left out",
		"charts/sub/Chart.yaml":  "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"charts/sub/values.yaml": "a: 1\n",
	}
	for name, text := range more {
		files[name] = text
	}
	dir := filepath.Join(t.TempDir(), "shop")
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func packed(t *testing.T, dir string, o pack.Options) (pack.Packed, error) {
	t.Helper()
	charts := open.New(open.Options{})
	t.Cleanup(func() { _ = charts.Close() })
	return pack.Folder(t.Context(), charts, open.Ask{Chart: dir}, o)
}

// TestReproducible packs copies of one tree that differ in times and modes.
func TestReproducible(t *testing.T) {
	first, err := packed(t, chart(t, nil), pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := chart(t, nil)
	old := time.Now().Add(-100 * time.Hour)
	for _, name := range []string{"Chart.yaml", "values.yaml"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second, err := packed(t, dir, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Archive, second.Archive) {
		t.Error("two copies of one chart give different archives")
	}
	other, err := packed(t, chart(t, map[string]string{"values.yaml": "replicas: 2\n"}), pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Archive, other.Archive) {
		t.Error("another chart gives the same archive")
	}
}

func TestVersion(t *testing.T) {
	p, err := packed(t, chart(t, nil), pack.Options{Version: "2.0.0-rc.1+abc", AppVersion: "0123"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Metadata.Version != "2.0.0-rc.1+abc" || p.Metadata.AppVersion != "0123" {
		t.Errorf("got %s, app %s", p.Metadata.Version, p.Metadata.AppVersion)
	}
	if _, err := packed(t, chart(t, nil), pack.Options{Version: "next"}); model.KindOf(err) != model.ErrInvalid {
		t.Errorf("a version that is none: %v", err)
	}
}

func TestSetVersion(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"plain":         {"name: a\nversion: 1.0.0\n", "name: a\nversion: \"2.0.0\"\n"},
		"comment stays": {"version: 1.0.0  # by hand\nname: a\n", "version: \"2.0.0\"  # by hand\nname: a\n"},
		"quoted":        {"'version': \"1.0.0 # no\"\n", "'version': \"2.0.0\"\n"},
		"not nested":    {"dependencies:\n  - version: 1.0.0\nversion: 1.0.0", "dependencies:\n  - version: 1.0.0\nversion: \"2.0.0\""},
		"not app":       {"appVersion: 1.0.0\nversion: 1.0.0\n", "appVersion: 1.0.0\nversion: \"2.0.0\"\n"},
		"absent":        {"name: a", "name: a\nversion: \"2.0.0\"\n"},
		"windows":       {"version: 1.0.0\r\nname: a\r\n", "version: \"2.0.0\"\r\nname: a\r\n"},
	} {
		files, err := pack.SetVersion([]helm.File{{Name: "Chart.yaml", Data: []byte(tt.text)}}, "2.0.0", "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(files[0].Data)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestDependencies: what lies beside the chart is packed into it; what is elsewhere only when asked.
func TestDependencies(t *testing.T) {
	dir := chart(t, map[string]string{
		"Chart.yaml":              "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 0.1.0}\n- {name: lib, version: 1.x, repository: 'file://../lib'}\n",
		"../lib/Chart.yaml":       "apiVersion: v2\nname: lib\nversion: 1.5.0\ntype: library\n",
		"../lib/templates/_x.tpl": "{{ define \"x\" }}{{ end }}",
	})
	p, err := packed(t, dir, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := helm.LoadArchive(p.Archive)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range c.Dependencies() {
		names = append(names, d.Name()+" "+d.Metadata.Version)
	}
	if diff := cmp.Diff([]string{"lib 1.5.0", "sub 0.1.0"}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "charts", "lib-1.5.0.tgz")); err == nil {
		t.Error("the chart's folder was changed")
	}
	dir = chart(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.x, repository: 'https://charts.example.com'}\n",
	})
	if _, err := packed(t, dir, pack.Options{}); err == nil || !strings.Contains(err.Error(), `dependency "db": it is not in charts/`) {
		t.Errorf("got %v", err)
	}
}

func TestNoChart(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no version":  {"Chart.yaml": "apiVersion: v2\nname: shop\n"},
		"bad name":    {"Chart.yaml": "apiVersion: v2\nname: ../shop\nversion: 1.0.0\n"},
		"bad version": {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: a/b\n"},
	} {
		if _, err := packed(t, chart(t, files), pack.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := pack.Load([]byte("no archive")); model.KindOf(err) != model.ErrInvalid {
		t.Errorf("got %v", err)
	}
}
