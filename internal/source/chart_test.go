package source_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// put writes files below dir.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func chartVersion(name, version string) string {
	return "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n"
}

func newSources(t *testing.T, opts source.Options) *source.Sources {
	t.Helper()
	opts.CacheDir = t.TempDir()
	s, err := source.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestHelmRepository(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"1.6.1", "1.7.0", "1.8.0-rc.1", "2.0.0"} {
		put(t, dir, map[string]string{
			"sealed-secrets-" + v + "/Chart.yaml":           chartVersion("sealed-secrets", v),
			"sealed-secrets-" + v + "/templates/empty.yaml": "# " + v + "\n",
		})
	}
	repo := &testkit.HelmRepo{Dir: dir, Username: "reader", Password: "s3cret"}
	url, stop, err := repo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	s := newSources(t, source.Options{
		PollInterval: time.Hour,
		Rewrites:     []source.Rewrite{{From: "https://kubernetes-charts.storage.googleapis.com", To: url + "/stable"}},
	})
	auth := &model.Auth{Username: "reader", Password: "s3cret"}
	ref := model.Ref{Kind: model.SourceHelm, URL: "https://kubernetes-charts.storage.googleapis.com/", Chart: "sealed-secrets", Auth: auth}
	for rng, want := range map[string]string{"1.6.1": "1.6.1", "1.x": "1.7.0", "": "2.0.0", ">=1.8.0-0 <2": "1.8.0-rc.1", "1.8.0-rc.1": "1.8.0-rc.1", "~1.6": "1.6.1"} {
		ref.Version = rng
		art, err := s.Fetch(t.Context(), ref)
		if err != nil {
			t.Errorf("version %q: %v", rng, err)
			continue
		}
		if art.Revision.Version != want {
			t.Errorf("version %q resolved to %s, not %s", rng, art.Revision.Version, want)
		}
		if got, err := os.ReadFile(filepath.Join(art.Dir, art.Path, "templates/empty.yaml")); string(got) != "# "+want+"\n" {
			t.Errorf("version %q: the chart holds %q: %v", rng, got, err)
		}
	}
	if c := repo.Counts(); c.Indexes != 1 {
		t.Errorf("the index was read %d times", c.Indexes)
	}
	if _, err := s.Refresh(t.Context(), ref); err != nil || repo.Counts().Unchanged != 1 {
		t.Errorf("reading an index that did not change: %+v, %v", repo.Counts(), err)
	}

	ref.Version = "3.x"
	expect(t, s, ref, model.ErrNotFound, "VersionNotFound", "2.0.0")
	ref.Version, ref.Chart = "", "sealed-secret"
	expect(t, s, ref, model.ErrNotFound, "ChartNotFound", "sealed-secrets")
	ref.Auth = &model.Auth{Username: "reader", Password: "wr0ng"}
	expect(t, s, ref, model.ErrDenied, "AuthenticationFailed", "")
	ref.URL = "http://127.0.0.1:1/"
	expect(t, s, ref, model.ErrTransient, "HostUnreachable", "")
}

// expect resolves a reference that has to fail, and checks what is said of it.
func expect(t *testing.T, s *source.Sources, ref model.Ref, kind model.ErrorKind, reason, next string) {
	t.Helper()
	_, err := s.Fetch(t.Context(), ref)
	if model.KindOf(err) != kind || model.ReasonOf(err, "") != reason {
		t.Errorf("want %s %s, got %q %q: %v", kind, reason, model.KindOf(err), model.ReasonOf(err, ""), err)
		return
	}
	var e *model.Error
	if !asError(err, &e) || !strings.Contains(e.Next, next) {
		t.Errorf("next is %q, want %q in it", e.Next, next)
	}
	if a := ref.Auth; a != nil && a.Password != "" && strings.Contains(err.Error(), a.Password) {
		t.Errorf("the error tells the password: %v", err)
	}
	t.Logf("%s: %v; next: %s", e.Reason, err, e.Next)
}

func TestHelmRepositoryThatCannotBeTrusted(t *testing.T) {
	chart := tarball(t, map[string]string{"app/Chart.yaml": chartVersion("app", "1.0.0")})
	var foreignAuth string
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		foreignAuth = r.Header.Get("Authorization")
		_, _ = w.Write(chart)
	}))
	defer foreign.Close()
	var index, archive string
	repo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "index.yaml"):
			_, _ = w.Write([]byte(index))
		case strings.HasSuffix(r.URL.Path, "away.tgz"):
			http.Redirect(w, r, foreign.URL+"/x.tgz", http.StatusFound)
		default:
			_, _ = w.Write([]byte(archive))
		}
	}))
	defer repo.Close()
	s := newSources(t, source.Options{Limits: source.Limits{FetchBytes: 1 << 20, ArtifactBytes: 1 << 20, ArtifactFiles: 100}})
	entry := func(url, digest string) string {
		return "apiVersion: v1\nentries:\n  app:\n  - version: 1.0.0\n    urls: [\"" + url + "\"]\n    digest: \"" + digest + "\"\n"
	}
	ref := model.Ref{Kind: model.SourceHelm, URL: repo.URL, Chart: "app", Auth: &model.Auth{Username: "u", Password: "s3cret"}}
	refresh := func() { _, _ = s.Refresh(t.Context(), ref) }

	for _, test := range []struct{ name, index, archive, reason string }{
		{"an error page", "<html>", "", "InvalidIndex"},
		{"YAML that is no index", "hello: world\n", "", "InvalidIndex"},
		{"a large index", strings.Repeat("#", 2<<20), "", "DownloadTooLarge"},
		{"another digest", entry("app.tgz", strings.Repeat("0", 64)), string(chart), "DigestMismatch"},
		{"no gzip", entry("app.tgz", ""), "hello", "InvalidChartArchive"},
		{"a path out", entry("app.tgz?1", ""), string(tarball(t, map[string]string{"app/../../x": "y"})), "InvalidChartArchive"},
		{"an absolute path", entry("app.tgz?2", ""), string(tarball(t, map[string]string{"/etc/x": "y"})), "InvalidChartArchive"},
		{"a link", entry("app.tgz?3", ""), string(tarball(t, map[string]string{"app/x": "link:/etc/passwd"})), "InvalidChartArchive"},
		{"no chart", entry("app.tgz?4", ""), string(tarball(t, map[string]string{"app/x": "y"})), "InvalidChartArchive"},
		{"a bomb", entry("app.tgz?5", ""), string(tarball(t, map[string]string{"app/x": strings.Repeat("0", 8<<20)})), "ArtifactTooLarge"},
	} {
		index, archive = test.index, test.archive
		refresh()
		_, err := s.Fetch(t.Context(), ref)
		if err == nil {
			// The last good index stays; what went wrong stands beside it.
			res, _ := s.Resolve(t.Context(), ref)
			err = res.Err
		}
		if got := model.ReasonOf(err, ""); got != test.reason {
			t.Errorf("%s: %q: %v", test.name, got, err)
		}
	}
	for _, url := range []string{foreign.URL + "/app.tgz", "away.tgz"} {
		index = entry(url, "")
		foreignAuth = "nobody asked"
		refresh()
		if _, err := s.Fetch(t.Context(), ref); err != nil {
			t.Error(err)
		}
		if foreignAuth != "" {
			t.Errorf("%s: another host was told %q", url, foreignAuth)
		}
		index = entry("other.tgz", strings.Repeat("0", 64)) // so that the next one is new
		refresh()
	}
}

// tarball packs files; "link:" makes a link.
func tarball(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zipped := gzip.NewWriter(&buf)
	w := tar.NewWriter(zipped)
	for name, content := range files {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(content, "link:"); ok {
			h.Typeflag, h.Linkname, h.Size, content = tar.TypeSymlink, target, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestChartInARegistry(t *testing.T) {
	reg, err := testkit.NewRegistry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := reg.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	host := strings.TrimPrefix(url, "http://")
	push := func(version, content string) {
		t.Helper()
		archive := tarball(t, map[string]string{"podinfo/Chart.yaml": chartVersion("podinfo", version), "podinfo/values.yaml": content})
		if err := testkit.PushChart(t.Context(), host+"/charts/podinfo", version, archive); err != nil {
			t.Fatal(err)
		}
	}
	push("1.0.0", "a: 1\n")
	push("1.1.0+build.5", "a: 2\n")
	push("2.0.0-rc.1", "a: 3\n")
	s := newSources(t, source.Options{PollInterval: time.Hour, Rewrites: []source.Rewrite{{From: "oci://registry.invalid/org/", To: "oci://" + host + "/charts/"}}})
	ref := model.Ref{Kind: model.SourceOCI, URL: "oci://registry.invalid/org/podinfo"}
	for rng, want := range map[string]string{"": "1.1.0+build.5", "1.0.0": "1.0.0", ">=2.0.0-0": "2.0.0-rc.1"} {
		ref.Version = rng
		art, err := s.Fetch(t.Context(), ref)
		if err != nil {
			t.Errorf("version %q: %v", rng, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(art.Dir, art.Path, "Chart.yaml")); err != nil || art.Revision.Version != want || art.Path != "podinfo" {
			t.Errorf("version %q: %+v, %v", rng, art, err)
		}
	}
	ref.Version = "1.0.0"
	before, _ := s.Fetch(t.Context(), ref)
	push("1.0.0", "a: changed\n") // a tag can be moved
	if res, err := s.Refresh(t.Context(), ref); err != nil || res.Artifact.Digest == before.Digest {
		t.Errorf("a moved tag was not noticed: %+v, %v", res, err)
	}
	expect(t, s, model.Ref{Kind: model.SourceHelm, URL: "oci://registry.invalid/org", Chart: "podinfo", Version: "9.x"}, model.ErrNotFound, "VersionNotFound", "1.1.0")
	expect(t, s, model.Ref{Kind: model.SourceOCI, URL: "oci://registry.invalid/org/missing", Version: "1.0.0"}, model.ErrNotFound, "NotFound", "")
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"app/Chart.yaml": chart("app", "file://../lib"), "lib/Chart.yaml": chart("lib"), "other/x.yaml": "a: 1\n", ".git/HEAD": "x"})
	s := newSources(t, source.Options{FileRoots: []string{dir}})
	ref := model.Ref{Kind: model.SourceDir, URL: dir, Path: "app"}
	a, err := s.Fetch(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(a.Dir, a.Path, "../lib/Chart.yaml")); err != nil {
		t.Error(err)
	}
	put(t, dir, map[string]string{"other/x.yaml": "a: 2\n"})
	if b, err := s.Refresh(t.Context(), ref); err != nil || b.Artifact.Digest != a.Digest {
		t.Errorf("an edit elsewhere changed the artifact: %v", err)
	}
	put(t, dir, map[string]string{"lib/values.yaml": "a: 2\n"})
	if b, err := s.Refresh(t.Context(), ref); err != nil || b.Artifact.Digest == a.Digest {
		t.Errorf("an edit of a dependency changed nothing: %v", err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "app", "values.yaml")); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Refresh(t.Context(), ref); model.ReasonOf(b.Err, "") != "LinkOutsideRepository" {
		t.Errorf("a link out of the folder: %+v, %v", b, err)
	}
	expect(t, newSources(t, source.Options{}), ref, model.ErrDenied, "FileNotAllowed", "")
}
