package imagebuild

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// TestBuildReferenceImage builds the reference application for real, which downloads
// Debian packages: it runs where the tools are, and not with -short.
func TestBuildReferenceImage(t *testing.T) {
	if ok, why := CanBuild(true); !ok || testing.Short() {
		t.Skipf("no real build here: %s", why)
	}
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	o := Options{
		ContextDir: "../../examples/flask-app", CacheDir: t.TempDir(), Log: t.Output(),
		Image: strings.TrimPrefix(srv.URL, "http://") + "/flask-app:1",
	}
	first, err := (&Builder{}).Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	second, err := (&Builder{}).Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("built %s, then %s of the same files", first, second)
	}
}
