package source_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

func TestArtifactIsAddressedByItsContent(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	first := k.commit(map[string]string{"charts/podinfo/Chart.yaml": chart("podinfo"), "charts/other/Chart.yaml": chart("other")})
	a := k.fetch(k.ref("charts/podinfo"))
	if a.Revision.Commit != first || a.Revision.Ref != "main" || a.Path != "charts/podinfo" {
		t.Errorf("revision %+v, path %q", a.Revision, a.Path)
	}
	if _, err := os.Stat(filepath.Join(a.Dir, "charts/other")); err == nil {
		t.Error("the artifact holds what was not asked for")
	}

	second := k.commit(map[string]string{"charts/other/values.yaml": "a: 1\n"})
	k.push(second)
	b := k.fetch(k.ref("./charts/podinfo/"))
	if b.Digest != a.Digest || b.Dir != a.Dir || b.Revision.Commit != second {
		t.Errorf("an untouched chart changed: %+v, then %+v", a, b)
	}

	k.push(k.commit(map[string]string{"charts/podinfo/values.yaml": "a: 1\n"}))
	c := k.fetch(k.ref("charts/podinfo"))
	if c.Digest == a.Digest {
		t.Error("a changed chart has the digest it had")
	}
	if got, _ := os.ReadFile(filepath.Join(c.Dir, c.Path, "values.yaml")); string(got) != "a: 1\n" {
		t.Errorf("values.yaml holds %q", got)
	}
}

// TestReleasesShareTheirChart: what values files a release has beside its chart is a folder of its own,
// unless links hold the two together or the chart has them among its files.
func TestReleasesShareTheirChart(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	k.commit(map[string]string{
		"charts/app/Chart.yaml": chart("app"), "charts/app/values-prod.yaml": "n: 0\n", "manifests/a.yaml": "",
		"envs/1.yaml": "n: 1\n", "envs/2.yaml": "n: 2\n",
	})
	fetch := func(path string, files ...string) model.Artifact {
		ref := k.ref(path)
		ref.Files = files
		return k.fetch(ref)
	}
	alone := fetch("charts/app")
	one, two := fetch("charts/app", "envs/1.yaml"), fetch("charts/app", "envs/2.yaml", "charts/app/values-prod.yaml")
	if alone.Beside != "" || one.Dir != alone.Dir || two.Dir != alone.Dir || one.Chart != alone.Digest {
		t.Errorf("not shared: %+v, %+v, %+v", alone, one, two)
	}
	if one.Digest == two.Digest || one.Digest == alone.Digest || one.Beside == two.Beside {
		t.Errorf("other values, but %+v and %+v", one, two)
	}
	if got, _ := os.ReadFile(filepath.Join(two.Beside, "envs/2.yaml")); string(got) != "n: 2\n" {
		t.Errorf("envs/2.yaml holds %q", got)
	}
	if got, err := os.ReadFile(filepath.Join(two.Beside, "charts/app/values-prod.yaml")); err == nil {
		t.Errorf("the chart's own file is beside it too: %q", got)
	}
	for what, a := range map[string]model.Artifact{
		"a file of the chart": fetch("charts/app", "charts/app/values-prod.yaml"),
		"no chart":            fetch("manifests", "envs/1.yaml"),
		"a folder":            fetch("charts/app", "manifests"),
	} {
		if a.Beside != "" || a.Chart != "" {
			t.Errorf("%s was taken apart: %+v", what, a)
		}
	}
}

// TestManifestsAreReadWhereTheyAre: a folder of manifests is not put on disk, unless links hold it
// together; a chart is. What is gone from the copy is brought again.
func TestManifestsAreReadWhereTheyAre(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	k.commit(map[string]string{
		"fleet/a.yaml": "a: 1\n", "fleet/sub/b.yaml": "b: 1\n", "linked/c.yaml": "link:../fleet/a.yaml",
		"charts/app/Chart.yaml": chart("app"), "d.yaml": "d: 1\n",
	})
	open := func(path string) model.Artifact {
		a, err := k.Open(t.Context(), k.ref(path))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, path := range []string{"linked", "charts/app", "d.yaml", "."} {
		if a := open(path); a.Files != nil || a.Dir == "" {
			t.Errorf("%s: %+v", path, a)
		}
	}
	a, onDisk := open("fleet"), k.fetch(k.ref("fleet"))
	if a.Dir != "" || a.Digest != onDisk.Digest || a.Path != onDisk.Path || a.Revision != onDisk.Revision {
		t.Fatalf("got %+v, want %+v without a folder", a, onDisk)
	}
	if text, err := fs.ReadFile(a.Files, "fleet/sub/b.yaml"); err != nil || string(text) != "b: 1\n" {
		t.Errorf("read %q, %v", text, err)
	}

	copies, err := filepath.Glob(filepath.Join(k.cache, "git", "*", "objects", "*"))
	if err != nil || len(copies) == 0 {
		t.Fatal("there is no copy", err)
	}
	for _, part := range copies {
		if err := os.RemoveAll(part); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := fs.ReadFile(a.Files, "fleet/a.yaml"); err == nil || model.KindOf(err) == model.ErrNotFound || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone was read as %q, %v", text, err)
	}
	if text, err := fs.ReadFile(open("fleet").Files, "fleet/a.yaml"); err != nil || string(text) != "a: 1\n" {
		t.Errorf("after a loss: read %q, %v", text, err)
	}
}

func TestPushTouchesOnlyReleasesWhoseContentChanged(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	files := map[string]string{"charts/app/Chart.yaml": chart("app")}
	for i := range 20 {
		files[fmt.Sprintf("envs/%d.yaml", i)] = fmt.Sprintf("n: %d\n", i)
	}
	k.commit(files)
	for i := range 20 {
		ref := k.ref("charts/app")
		ref.Files = []string{fmt.Sprintf("envs/%d.yaml", i)}
		k.Watch(release(fmt.Sprint(i)), ref)
		k.fetch(ref)
	}
	before := k.srv.Counts()
	for _, step := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"one values file", map[string]string{"envs/7.yaml": "n: 8\n"}, []string{"7"}},
		{"nothing of a release", map[string]string{"README.md": "hello\n"}, nil},
		{"two values files", map[string]string{"envs/3.yaml": "n: 0\n", "envs/4.yaml": "n: 0\n"}, []string{"3", "4"}},
	} {
		id := k.commit(step.files)
		start := time.Now()
		if n := k.push(id); n != 1 {
			t.Errorf("%s: the push was for %d repositories", step.name, n)
		}
		t.Logf("%s: reported after %s", step.name, time.Since(start))
		if diff := cmp.Diff(step.want, k.takeChanges()); diff != "" {
			t.Errorf("%s: changed releases (-want +got):\n%s", step.name, diff)
		}
	}
	if n := k.srv.Counts().Fetches - before.Fetches; n != 3 {
		t.Errorf("three pushes caused %d fetches", n)
	}
	k.push(k.commit(map[string]string{"charts/app/values.yaml": "a: b\n"}))
	if n := len(k.takeChanges()); n != 20 {
		t.Errorf("a changed chart touched %d of 20 releases", n)
	}
}

// TestPushesTellWhatChanged: whatever is pushed, exactly those releases are told of it for which a reader
// who comes to the repository anew finds something else than they have.
func TestPushesTellWhatChanged(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
	k.commit(map[string]string{"charts/app/Chart.yaml": chart("app"), "envs/0.yaml": "n: 0\n", "more/a.yaml": ""})
	refs := map[string]model.Ref{}
	for i := range 4 {
		ref := k.ref("charts/app")
		ref.Files = []string{fmt.Sprintf("envs/%d.yaml", i)}
		refs[fmt.Sprint("chart-", i)] = ref
	}
	refs["folder"], refs["linked"], refs["all"] = k.ref("more"), k.ref("link"), k.ref(".")
	have := map[string]string{}
	for name, ref := range refs {
		k.Watch(release(name), ref)
		if res, err := k.Resolve(t.Context(), ref); err == nil {
			have[name] = res.Artifact.Digest
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for step := range 40 {
		id := k.randomCommit(random)
		k.takeFailures()
		k.push(id)
		told := k.takeChanges()
		failed := k.takeFailures()
		fresh, err := source.New(source.Options{CacheDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for name, ref := range refs {
			want := ""
			if res, err := fresh.Resolve(t.Context(), ref); err == nil {
				want = res.Artifact.Digest
			}
			heard := slices.Contains(told, name)
			switch {
			case want == "" && have[name] != "" && !slices.Contains(failed, name):
				t.Errorf("step %d: %s cannot be resolved any more, and was not told", step, name)
			case want != "" && have[name] != "" && heard != (want != have[name]):
				t.Errorf("step %d: %s had %.7s, has %.7s, told: %v", step, name, have[name], want, heard)
			case want != "" && have[name] == "" && !heard:
				t.Errorf("step %d: %s can be resolved again, and was not told", step, name)
			}
			have[name] = want
			if res, err := k.Resolve(t.Context(), ref); err == nil && res.Err == nil && (res.Artifact.Digest != want || res.Artifact.Revision.Commit != id) {
				t.Errorf("step %d: %s resolves to %+v, want %.7s of %.7s", step, name, res.Artifact, want, id)
			}
		}
		_ = fresh.Close()
	}
}

// randomCommit puts something into the repository, or takes something away.
func (k *kit) randomCommit(random *rand.Rand) string {
	names := []string{"charts/app/Chart.yaml", "charts/app/values.yaml", "envs/0.yaml", "envs/1.yaml", "envs/2.yaml", "more/a.yaml", "README.md", "link"}
	name := names[random.IntN(len(names))]
	content := fmt.Sprintf("name: %d\n", random.IntN(1000))
	if name == "link" {
		content = "link:" + []string{"more", "charts/app", "none"}[random.IntN(3)]
	}
	if random.IntN(4) == 0 && k.committed[name] {
		delete(k.committed, name)
		return k.commit(map[string]string{"always": fmt.Sprint(random.Uint64())}, name)
	}
	k.committed[name] = true
	return k.commit(map[string]string{name: content, "always": fmt.Sprint(random.Uint64())})
}

func TestOneListOfRefsForManyReleases(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
	k.commit(map[string]string{"charts/app/Chart.yaml": chart("app")})
	done := make(chan error, 200)
	for i := range 200 {
		go func() {
			ref := k.ref("charts/app")
			k.Watch(release(fmt.Sprint(i)), ref)
			_, err := k.Fetch(t.Context(), ref)
			done <- err
		}()
	}
	for range 200 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	// A fetch asks for the refs it wants as well.
	if got := k.srv.Counts(); got.LsRefs > 2 || got.Fetches != 1 {
		t.Errorf("200 releases caused %+v", got)
	}
}

func TestPollReportsChangesFailuresAndRecovery(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: 50 * time.Millisecond}, testkit.GitOptions{})
	k.commit(map[string]string{"app/a.yaml": "a: 1\n"})
	ref := k.ref("app")
	k.Watch(release("a"), ref)
	first := k.fetch(ref)

	k.commit(map[string]string{"app/a.yaml": "a: 2\n"})
	k.waitFor("the change", func() bool { return len(k.changes) == 1 })
	second := k.fetch(ref)
	if second.Digest == first.Digest {
		t.Error("the artifact did not change")
	}

	k.srv.SetOffline(true)
	k.waitFor("the failure", func() bool { return len(k.errors) == 1 && k.errors[0].err != nil })
	res, err := k.Resolve(t.Context(), ref)
	if err != nil || res.Artifact.Digest != second.Digest || model.KindOf(res.Err) != model.ErrTransient {
		t.Errorf("while the server is away: %+v, %v", res, err)
	}
	if art := k.fetch(ref); art.Dir != second.Dir {
		t.Error("the last good artifact is gone")
	}

	k.srv.SetOffline(false)
	k.waitFor("the recovery", func() bool { return len(k.errors) == 2 && k.errors[1].err == nil })
	if got := k.takeChanges(); len(got) != 1 {
		t.Errorf("changes reported: %v", got)
	}
}

func TestRewrites(t *testing.T) {
	k := newKit(t, source.Options{Rewrites: []source.Rewrite{{From: "git@github.com:", To: "/"}, {From: "https://github.com/", To: "/"}}}, testkit.GitOptions{})
	k.commit(map[string]string{"charts/podinfo/Chart.yaml": chart("podinfo")})
	for _, url := range []string{"git@github.com:" + repoName, "https://github.com/" + repoName, "https://github.com/" + repoName + ".git"} {
		ref := model.Ref{Kind: model.SourceGit, URL: url, Path: "charts/podinfo", Git: model.GitRef{Name: "main"}}
		k.Watch(release(url), ref)
		k.fetch(ref)
	}
	id := k.commit(map[string]string{"charts/podinfo/values.yaml": "a: 1\n"})
	// The webhook comes from the host that the manifests name.
	n, err := k.Notify(t.Context(), source.Push{URLs: []string{"https://github.com/FluxCD/helm-operator-get-started"}, Ref: "refs/heads/main", Commit: id})
	if err != nil || n == 0 {
		t.Fatalf("notified %d repositories: %v", n, err)
	}
	if got := k.takeChanges(); len(got) != 3 {
		t.Errorf("changed releases: %v", got)
	}
}

func TestWhatIsAskedForFirstMayBeNewerThanTheLastRead(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
	k.commit(map[string]string{"a/a.yaml": "a: 1\n"})
	k.fetch(k.ref("a"))
	k.commit(map[string]string{"b/b.yaml": "b: 1\n"})
	time.Sleep(150 * time.Millisecond) // a read younger than this is not repeated
	ref := k.ref("b")
	k.Watch(release("b"), ref)
	k.fetch(ref)
}
