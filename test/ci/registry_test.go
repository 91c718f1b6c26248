package ci

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/fairlead-cd/fairlead/internal/imagebuild"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// The job token's user and password, as GitLab gives them to each job.
const (
	registryUser     = "gitlab-ci-token"
	registryPassword = "glcbt-64_of-one-job" // not a real one
)

// registry is GitLab's container registry: TLS, and a password for writing. The node reads from it
// without.
type registry struct {
	inner  *testkit.Registry
	server *httptest.Server
	host   string // with port, for jobs
	mirror string // URL, for the node
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	inner, err := testkit.NewRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{inner: inner}
	r.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		if user != registryUser || password != registryPassword {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, req)
	}))
	t.Cleanup(r.server.Close)
	r.host = strings.TrimPrefix(r.server.URL, "https://")
	mirror, stop, err := inner.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r.mirror = mirror
	return r
}

// base puts the image that the application's is built on into the registry: the one of Debian's
// packages, which is made once for this machine.
func (r *registry) base(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "base"), os.DirFS("../../examples/flask-app/base")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "Dockerfile"), "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n")
	repository := "/" + project + "/base"
	digest, err := (&imagebuild.Builder{}).Build(context.Background(), imagebuild.Options{
		ContextDir: dir, CacheDir: cacheDir("images"), Log: t.Output(),
		Image: strings.TrimPrefix(r.mirror, "http://") + repository + ":1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.host + repository + "@" + digest
}

// digest is that of the image of a commit.
func (r *registry) digest(t *testing.T, commit string) string {
	t.Helper()
	ref, err := name.ParseReference(strings.TrimPrefix(r.mirror, "http://") + "/" + project + "/flask-app:" + commit)
	if err != nil {
		t.Fatal(err)
	}
	d, err := remote.Head(ref)
	if err != nil {
		t.Fatal(err)
	}
	return d.Digest.String()
}

// driver is how buildah can keep layers on this machine: imagebuild tried it out for the base.
func (r *registry) driver(t *testing.T) string {
	t.Helper()
	conf, err := os.ReadFile(filepath.Join(cacheDir("images"), "buildah", "storage.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, driver := range []string{"overlay", "vfs"} {
		if strings.Contains(string(conf), `driver = "`+driver+`"`) {
			return driver
		}
	}
	t.Fatalf("no driver in %s", conf)
	return ""
}

// cacheDir outlives the tests: what is in it takes a minute to make.
func cacheDir(name string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	if name == "images" {
		return filepath.Join(dir, "fairlead-test") // shared with the tests of the real node
	}
	return filepath.Join(dir, "fairlead-test", name)
}
