package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const serveVariable = "FAIRLEAD_TEST_WORKER"

// TestMain makes the test binary a worker when a test starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		if err := ServeWorker(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// withWorkers renders in workers, as the controller does.
func withWorkers(t testing.TB, change func(*Options)) *Renderer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{CacheDir: t.TempDir(), Worker: []string{self}, WorkerEnv: []string{serveVariable + "=1"}}
	if change != nil {
		change(&o)
	}
	r := New(o)
	t.Cleanup(func() { r.Close() })
	return r
}

// artifact writes files into a new folder; its digest is of the files.
func artifact(t testing.TB, files map[string]string) model.Artifact {
	t.Helper()
	dir := t.TempDir()
	var parts [][]byte
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, []byte(name), []byte(files[name]))
	}
	return model.Artifact{Dir: dir, Path: ".", Digest: model.Digest(parts...)}
}

func chartFiles(template string) map[string]string {
	return map[string]string{
		"Chart.yaml":       "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"values.yaml":      "color: red\n",
		"templates/x.yaml": template,
	}
}

const template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\ndata: {color: {{ .Values.color }}}\n"

var (
	release = model.Release{Name: "shop", Namespace: "dev"}
	caps    = model.Capabilities{KubeVersion: "v1.36.3", APIVersions: []string{"v1"}}
)

func layer(text string) []model.ValuesLayer {
	return []model.ValuesLayer{{Origin: "spec.values", YAML: []byte(text)}}
}

func TestRenderTwiceRendersOnce(t *testing.T) {
	dir := t.TempDir()
	a := artifact(t, chartFiles(template))
	first := withWorkers(t, func(o *Options) { o.CacheDir = dir })
	want, err := first.Render(t.Context(), release, a, caps, RenderOptions{Revision: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := first.Render(t.Context(), release, a, caps, RenderOptions{Revision: 2, IsUpgrade: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("kept result differs:\n%s", diff)
	}
	if s := first.Stats(); s.Renders != 1 || s.CacheHits != 1 {
		t.Errorf("got %+v", s)
	}
	// Another process finds it too, and starts no worker.
	second := withWorkers(t, func(o *Options) { o.CacheDir = dir })
	if again, err = second.Render(t.Context(), release, a, caps, RenderOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("result kept by another process differs:\n%s", diff)
	}
	if s := second.Stats(); s.Renders != 0 || s.Workers != 0 {
		t.Errorf("got %+v", s)
	}
	inputs, err := second.Inputs(release, a, caps)
	if err != nil || inputs != want.Digest {
		t.Errorf("Inputs is %s (%v), Render's digest %s", inputs, err, want.Digest)
	}
}

func TestRenderSharesFlights(t *testing.T) {
	r := withWorkers(t, nil)
	a := artifact(t, chartFiles(template))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := r.Render(t.Context(), release, a, caps, RenderOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s := r.Stats(); s.Renders != 1 {
		t.Errorf("got %+v", s)
	}
}

// TestInputs changes one input after the other.
func TestInputs(t *testing.T) {
	r := New(Options{})
	digest := func(rel model.Release, a model.Artifact, c model.Capabilities) string {
		t.Helper()
		d, err := r.Inputs(rel, a, c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := artifact(t, chartFiles(template))
	base := digest(release, a, caps)
	changed := func(change func(*model.Release)) string {
		rel := release
		change(&rel)
		return digest(rel, a, caps)
	}
	different := map[string]string{
		"name":      changed(func(r *model.Release) { r.Name = "other" }),
		"namespace": changed(func(r *model.Release) { r.Namespace = "other" }),
		"values":    changed(func(r *model.Release) { r.Values = layer("a: 1") }),
		"values 2":  changed(func(r *model.Release) { r.Values = layer("a: 2") }),
		"set":       changed(func(r *model.Release) { r.Values = []model.ValuesLayer{{Set: &model.Parameter{Name: "a", Value: "1"}}} }),
		"string": changed(func(r *model.Release) {
			r.Values = []model.ValuesLayer{{Set: &model.Parameter{Name: "a", Value: "1", ForceString: true}}}
		}),
		"chart": digest(release, artifact(t, chartFiles(template+"\n")), caps),
	}
	seen := map[string]string{base: "nothing"}
	for what, d := range different {
		if other, ok := seen[d]; ok {
			t.Errorf("changing %s gives the same digest as changing %s", what, other)
		}
		seen[d] = what
	}
	same := map[string]string{
		"again":        digest(release, a, caps),
		"another copy": digest(release, artifact(t, chartFiles(template)), caps),
		"capabilities": digest(release, a, model.Capabilities{KubeVersion: "v1.37.0"}),
		"policy":       changed(func(r *model.Release) { r.Policy.Prune = true; r.Generation = 3 }),
		"origin":       changed(func(r *model.Release) {}),
	}
	for what, d := range same {
		if d != base {
			t.Errorf("%s: the digest changed", what)
		}
	}
	if _, err := r.Inputs(release, model.Artifact{Dir: a.Dir, Path: "."}, caps); err == nil {
		t.Error("an artifact without a digest was accepted")
	}
}

func TestTraits(t *testing.T) {
	tests := map[string]struct {
		text string
		want traits
	}{
		"names only":     {`{{ .Release.Name }} {{ $.Release.Namespace }} {{ .Release.Service }} Release of HelmRelease`, traits{}},
		"revision":       {`{{ .Release.Revision }}`, traits{History: true}},
		"install":        {`{{ if $.Release.IsInstall }}`, traits{History: true}},
		"whole release":  {`{{ dict "r" .Release }}`, traits{History: true}},
		"index":          {`{{ index . "Release" "Revision" }}`, traits{History: true}},
		"capabilities":   {`{{ .Capabilities.APIVersions.Has "x" }}`, traits{Capabilities: true}},
		"kube version":   {`kubeVersion: ">=1.20"`, traits{Capabilities: true}},
		"both":           {`{{ .Capabilities.KubeVersion }}{{ .Release.IsUpgrade }}`, everything},
		"name, revision": {`{{ .Release.Name }}-{{ .Release.Revision }}`, traits{History: true}},
	}
	for name, tt := range tests {
		var got traits
		got.look([]byte(tt.text))
		if got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestHistoryMattersWhenAskedFor(t *testing.T) {
	r := withWorkers(t, nil)
	a := artifact(t, chartFiles(template+"# {{ .Release.Revision }} {{ .Release.IsUpgrade }}\n"))
	one, err := r.Render(t.Context(), release, a, caps, RenderOptions{Revision: 1})
	if err != nil {
		t.Fatal(err)
	}
	two, err := r.Render(t.Context(), release, a, caps, RenderOptions{Revision: 2, IsUpgrade: true})
	if err != nil {
		t.Fatal(err)
	}
	if one.Digest != two.Digest {
		t.Error("the inputs changed with the revision")
	}
	if !strings.Contains(one.Chart.Manifest, "# 1 false") || !strings.Contains(two.Chart.Manifest, "# 2 true") {
		t.Errorf("got %q and %q", one.Chart.Manifest, two.Chart.Manifest)
	}
}

func TestChoose(t *testing.T) {
	r := New(Options{})
	chart := artifact(t, chartFiles(template))
	plain := artifact(t, map[string]string{"a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"})
	got, err := r.Render(t.Context(), release, chart, caps, RenderOptions{})
	if err != nil || got.Chart == nil {
		t.Errorf("chart: %v", err)
	}
	got, err = r.Render(t.Context(), release, plain, caps, RenderOptions{})
	if err != nil || got.Chart != nil || len(got.Objects) != 1 || got.Digest == "" {
		t.Errorf("plain: %+v, %v", got, err)
	}
	_, err = r.Render(t.Context(), release, artifact(t, map[string]string{"kustomization.yaml": "resources: []\n"}), caps, RenderOptions{})
	if model.KindOf(err) != model.ErrInvalid || model.ReasonOf(err, "") != "KustomizeNotSupported" {
		t.Errorf("kustomize: %v", err)
	}
	plain.Path = "../x"
	if _, err = r.Render(t.Context(), release, plain, caps, RenderOptions{}); model.ReasonOf(err, "") != "InvalidPath" {
		t.Errorf("outside: %v", err)
	}
}

func TestCacheKeepsToItsSize(t *testing.T) {
	dir := t.TempDir()
	c := newCache(dir, 3_000)
	for i := range 10 {
		if err := c.put(fmt.Sprint("key", i), model.Rendered{Notes: strings.Repeat("x", 700)}); err != nil {
			t.Fatal(err)
		}
		if i > 1 {
			c.get("key1") // used again and again: it stays
		}
	}
	if _, ok := c.get("key1"); !ok {
		t.Error("what was used last is gone")
	}
	if _, ok := c.get("key2"); ok {
		t.Error("what was not used is still there")
	}
	var total int64
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && name != dir {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		if !d.IsDir() {
			total += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > 3_000 || total != c.files.Size() {
		t.Errorf("%d bytes on disk, %d counted, 3000 allowed", total, c.files.Size())
	}
}

func TestCacheSurvivesDamage(t *testing.T) {
	dir := t.TempDir()
	c := newCache(dir, 0)
	if err := c.put("key", model.Rendered{Notes: "notes"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "renders", "key")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-3] ^= 1
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, ok := c.get("key"); ok {
		t.Errorf("a damaged result was given: %+v", r)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the damaged file is still there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "renders", "1"+partSuffix), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := newCache(dir, 0).get("1" + partSuffix); ok {
		t.Error("half a file counts as a result")
	}
}

func TestDependenciesAreFetched(t *testing.T) {
	db := artifact(t, map[string]string{
		"Chart.yaml":        "apiVersion: v2\nname: db\nversion: 1.4.0\n",
		"templates/db.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n",
	})
	files := chartFiles(template)
	files["Chart.yaml"] += "dependencies: [{name: db, version: 1.x, repository: 'https://charts.example.com/'}]\n"
	a := artifact(t, files)
	var asked []model.Ref
	r := withWorkers(t, func(o *Options) {
		o.Dependencies = func(_ context.Context, ref model.Ref) (model.Artifact, error) {
			asked = append(asked, ref)
			return db, nil
		}
	})
	got, err := r.Render(t.Context(), release, a, caps, RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Objects) != 2 {
		t.Errorf("got %d objects", len(got.Objects))
	}
	want := []model.Ref{{Kind: model.SourceHelm, URL: "https://charts.example.com", Chart: "db", Version: "1.x"}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	_, err = New(Options{}).Render(t.Context(), release, a, caps, RenderOptions{})
	var e *model.Error
	if !errors.As(err, &e) || e.Reason != "MissingDependency" || !strings.Contains(e.Msg, `"db" 1.x from https://charts.example.com`) || e.Next == "" {
		t.Errorf("without a way to fetch: %v", err)
	}
}

// TestRunawayIsNotTriedAgain checks that inputs that broke a limit do not occupy workers again.
func TestRunawayIsNotTriedAgain(t *testing.T) {
	r := withWorkers(t, func(o *Options) { o.Limits.Memory = 96 << 20 })
	a := artifact(t, chartFiles(`{{ repeat 2000000000 "x" }}`))
	for range 3 {
		if _, err := r.Render(t.Context(), release, a, caps, RenderOptions{}); model.ReasonOf(err, "") != "RenderMemory" {
			t.Errorf("got %v", err)
		}
	}
	if s := r.Stats(); s.Renders != 1 || s.Killed != 1 || s.Failures != 3 {
		t.Errorf("got %+v", s)
	}
}

// TestWorkersReadTheirRootsOnly renders from a root that workers were given, and from elsewhere.
func TestWorkersReadTheirRootsOnly(t *testing.T) {
	inside, outside := artifact(t, chartFiles(template)), artifact(t, chartFiles(template+"\n"))
	r := withWorkers(t, func(o *Options) { o.Roots = []string{inside.Dir} })
	got, err := r.Render(t.Context(), release, inside, caps, RenderOptions{})
	if err != nil || len(got.Objects) != 1 {
		t.Fatalf("inside: %v", err)
	}
	// A kernel without Landlock lets it pass.
	if _, err := r.Render(t.Context(), release, outside, caps, RenderOptions{}); err != nil && model.KindOf(err) == model.ErrTransient {
		t.Errorf("outside: %v", err)
	}
}
