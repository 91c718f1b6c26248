package imagebuild

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestPushFiles(t *testing.T) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	image := strings.TrimPrefix(srv.URL, "http://") + "/flask-app:1"
	dir := writeContext(t)
	first, err := pushFiles(t.Context(), Options{ContextDir: dir, Image: image})
	if err != nil {
		t.Fatal(err)
	}
	second, err := pushFiles(t.Context(), Options{ContextDir: dir, Image: image})
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("the same files gave %s, then %s", first, second)
	}
	tag, err := parseTag(image)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(tag)
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := img.Digest(); err != nil || digest.String() != first {
		t.Errorf("registry has %s (%v), Build said %s", digest, err, first)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.Labels[FilesOnlyLabel] != "true" {
		t.Errorf("labels %v do not say that the image cannot run", config.Config.Labels)
	}
	if len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("%d layers in the configuration, want 1", len(config.RootFS.DiffIDs))
	}
}

func TestKeyOf(t *testing.T) {
	dir := writeContext(t)
	key := func() string {
		t.Helper()
		k, err := keyOf(dir, "base")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key()
	if err := os.WriteFile(filepath.Join(dir, "base", "debian.yaml"), []byte("suite: other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if key() != first {
		t.Error("the base's files changed the image's key; its name already does")
	}
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("print(2)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if key() == first {
		t.Error("a changed file left the key as it was")
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := keyOf(dir, "base"); err == nil {
		t.Error("a link out of the context was accepted")
	}
}

func TestParseTag(t *testing.T) {
	got := map[string]string{}
	for _, image := range []string{
		"127.0.0.1:5000/a:1", "localhost:5000/a:1", "[::1]:5000/a:1", "registry.example.com:5000/a:1", "registry.example.com/a:1",
		"10.0.0.1:5000/a:1",
	} {
		tag, err := parseTag(image)
		if err != nil {
			got[image] = "error"
			continue
		}
		got[image] = tag.Scheme()
	}
	want := map[string]string{
		"127.0.0.1:5000/a:1": "http", "localhost:5000/a:1": "http", "[::1]:5000/a:1": "http",
		"registry.example.com:5000/a:1": "https", "registry.example.com/a:1": "https",
		// go-containerregistry takes private addresses for test registries.
		"10.0.0.1:5000/a:1": "http",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scheme by image (-want +got):\n%s", diff)
	}
}

func writeContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"app.py": "print(1)\n", "Dockerfile": "FROM scratch\n", "base/debian.yaml": "suite: bookworm\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
