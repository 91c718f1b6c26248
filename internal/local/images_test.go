package local

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/charts"
	"github.com/fairlead-cd/fairlead/examples"
)

// TestDatabaseImages: what is built is what the reference chart runs.
func TestDatabaseImages(t *testing.T) {
	for folder, subchart := range map[string]string{"databases/postgres": "postgresql", "databases/redis": "redis"} {
		var meta struct{ AppVersion string }
		var values struct {
			Image struct{ Repository, Tag string }
		}
		for name, into := range map[string]any{"Chart.yaml": &meta, "values.yaml": &values} {
			data, err := charts.FlaskApp.ReadFile(path.Join("flask-app/charts", subchart, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(data, into); err != nil {
				t.Fatal(err)
			}
		}
		if want := values.Image.Repository + ":" + meta.AppVersion; values.Image.Tag != "" || want != "docker.io/"+databaseImages[folder] {
			t.Errorf("%s is built as %q, and the chart runs %q", folder, databaseImages[folder], want)
		}
	}
}

// TestUnpack: a build context holds this version's files and no others.
func TestUnpack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "context")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "stale"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unpack(examples.Databases, "databases/postgres", dir); err != nil {
		t.Fatal(err)
	}
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	if got := strings.Join(files, " "); got != "Dockerfile base/Dockerfile base/debian.yaml entrypoint.sh" {
		t.Errorf("the context holds %s", got)
	}
}
