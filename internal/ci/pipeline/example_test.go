package pipeline

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// TestExample holds examples/pipeline, where people read what they will get, equal to what is
// written for a repository of the reference application.
func TestExample(t *testing.T) {
	repo := fstest.MapFS{}
	for from, to := range map[string]string{"examples/flask-app": "app", "charts/flask-app": "charts/flask-app"} {
		if err := copyTree(repo, os.DirFS(filepath.Join(root, from)), to); err != nil {
			t.Fatal(err)
		}
	}
	for _, provider := range Providers {
		s, err := Detect(repo, Options{Provider: provider, Project: "acme/flask-app", Branch: "main"})
		if err != nil {
			t.Fatal(err)
		}
		files, err := Render(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			example := filepath.Join(root, "examples", "pipeline", provider, filepath.FromSlash(f.Path))
			if *update {
				writeExample(t, example, f)
				continue
			}
			want, err := os.ReadFile(example)
			if err != nil {
				t.Fatalf("%v; go test -update writes it", err)
			}
			if diff := cmp.Diff(string(want), f.Content); diff != "" {
				t.Errorf("%s (-want +got):\n%s", f.Path, diff)
			}
		}
	}
}

func copyTree(to fstest.MapFS, from fs.FS, folder string) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		to[path.Join(folder, name)] = &fstest.MapFile{Data: data, Mode: 0o644}
		return err
	})
}

func writeExample(t *testing.T, file string, f File) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := fs.FileMode(0o644)
	if f.Executable {
		mode = 0o755
	}
	if err := os.WriteFile(file, []byte(f.Content), mode); err != nil {
		t.Fatal(err)
	}
}
