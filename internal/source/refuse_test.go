package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// asError is errors.As, under a name that a test's table does not shadow.
func asError(err error, target any) bool { return errors.As(err, target) }

func TestBadGitReferences(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
	k.commit(map[string]string{
		"charts/podinfo/Chart.yaml": chart("podinfo"),
		"charts/escape/Chart.yaml":  chart("escape"),
		"charts/escape/passwd":      "link:../../../../etc/passwd",
		"charts/absolute/hosts":     "link:/etc/hosts",
		"charts/loop/a":             "link:b",
		"charts/loop/b":             "link:a",
		"charts/far/Chart.yaml":     chart("far", "file://../../../elsewhere"),
		"alias":                     "link:../outside",
		"vendor/lib":                "submodule:" + strings.Repeat("1", 40),
	})
	k.commitTo("feature/login", map[string]string{"a.yaml": "a: 1\n"})
	with := func(f func(*model.Ref)) model.Ref {
		ref := k.ref("charts/podinfo")
		f(&ref)
		return ref
	}
	for _, test := range []struct {
		name   string
		ref    model.Ref
		kind   model.ErrorKind
		reason string
		next   string
	}{
		{"unknown branch", with(func(r *model.Ref) { r.Git.Branch = "mian" }), model.ErrNotFound, "RefNotFound", "it has main"},
		{"unknown name", with(func(r *model.Ref) { r.Git.Name = "feature/logn" }), model.ErrNotFound, "RefNotFound", "it has feature/login"},
		{"unknown tag", with(func(r *model.Ref) { r.Git.Tag = "v1" }), model.ErrNotFound, "RefNotFound", ""},
		{"no tag in range", with(func(r *model.Ref) { r.Git.SemVer = ">=1.0" }), model.ErrNotFound, "RefNotFound", "push a tag"},
		{"bad range", with(func(r *model.Ref) { r.Git.SemVer = "newest" }), model.ErrInvalid, "InvalidRef", ""},
		{"short commit", with(func(r *model.Ref) { r.Git.Commit = "9f3c1ab" }), model.ErrInvalid, "InvalidRef", "40 digits"},
		{"unknown commit", with(func(r *model.Ref) { r.Git.Commit = strings.Repeat("a", 40) }), model.ErrNotFound, "RefNotFound", ""},
		{"branch that is an option", with(func(r *model.Ref) { r.Git.Branch = "--upload-pack=touch /tmp/x" }), model.ErrInvalid, "InvalidRef", ""},
		{"missing path", k.ref("charts/podinf"), model.ErrNotFound, "PathNotFound", "podinfo/"},
		{"missing folder", k.ref("chart/podinfo"), model.ErrNotFound, "PathNotFound", "charts/"},
		{"path out of the repository", k.ref("../other"), model.ErrInvalid, "PathOutsideRepository", ""},
		{"path out through dots", k.ref("charts/../../other"), model.ErrInvalid, "PathOutsideRepository", ""},
		{"path out through a link", k.ref("alias/x"), model.ErrInvalid, "PathOutsideRepository", ""},
		{"link out", k.ref("charts/escape"), model.ErrInvalid, "LinkOutsideRepository", "replace"},
		{"absolute link", k.ref("charts/absolute"), model.ErrInvalid, "LinkOutsideRepository", "replace"},
		{"dependency out", k.ref("charts/far"), model.ErrInvalid, "PathOutsideRepository", ""},
		{"submodule", k.ref("vendor/lib"), model.ErrInvalid, "SubmoduleNotSupported", ""},
		{"below a submodule", k.ref("vendor/lib/chart"), model.ErrInvalid, "SubmoduleNotSupported", ""},
		{"unknown repository", with(func(r *model.Ref) { r.URL = k.url + "/no/such" }), model.ErrNotFound, "RepositoryNotFound", "check the URL"},
		{"nobody listens", with(func(r *model.Ref) { r.URL = "http://127.0.0.1:1/x/y" }), model.ErrTransient, "HostUnreachable", ""},
		{"ssh without a key", with(func(r *model.Ref) { r.URL = "git@127.0.0.1:org/app" }), model.ErrDenied, "MissingCredential", "identity"},
		{"ssh without known hosts", with(func(r *model.Ref) { r.URL, r.Auth = "ssh://git@127.0.0.1/org/app", &model.Auth{SSHKey: []byte("x")} }), model.ErrDenied, "MissingKnownHosts", "ssh-keyscan"},
		{"git protocol", with(func(r *model.Ref) { r.URL = "git://127.0.0.1/org/app" }), model.ErrInvalid, "InvalidURL", "https"},
		{"remote helper", with(func(r *model.Ref) { r.URL = "ext::sh -c touch% /tmp/x" }), model.ErrInvalid, "InvalidURL", ""},
		{"option as URL", with(func(r *model.Ref) { r.URL = "--upload-pack=x" }), model.ErrInvalid, "InvalidURL", ""},
		{"this machine's files", with(func(r *model.Ref) { r.URL = "file:///etc" }), model.ErrDenied, "FileNotAllowed", ""},
		{"unknown kind", model.Ref{Kind: "svn"}, model.ErrInvalid, "UnknownSource", ""},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, k.Sources, test.ref, test.kind, test.reason, test.next) })
	}
	// All of that left the good ones as they were.
	k.fetch(k.ref("charts/podinfo"))
	k.fetch(with(func(r *model.Ref) { r.Git.Name = "main" }))
}

func TestGitCredentials(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{Username: "deploy", Password: "s3cret/with:odd@characters"})
	k.commit(map[string]string{"app/a.yaml": "a: 1\n"})
	ref := k.ref("app")
	expect(t, k.Sources, ref, model.ErrDenied, "AuthenticationRequired", "Secret")
	ref.Auth = &model.Auth{Username: "deploy", Password: "wr0ng"}
	expect(t, k.Sources, ref, model.ErrDenied, "AuthenticationFailed", "password")
	ref.Auth = &model.Auth{Username: "deploy", Password: "s3cret/with:odd@characters"}
	k.fetch(ref)
	ref.URL = strings.Replace(ref.URL, "http://", "http://deploy:s3cret%2Fwith:odd%40characters@", 1)
	ref.Auth = nil
	k.fetch(ref)
	ref.URL = strings.Replace(ref.URL, "s3cret", "wr0ng", 1)
	_, err := k.Fetch(t.Context(), ref)
	if model.ReasonOf(err, "") != "AuthenticationFailed" || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("a wrong password in the URL: %v", err)
	}
}

func TestLinksAndDependenciesBelongToTheArtifact(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	k.commit(map[string]string{
		"charts/app/Chart.yaml":     chart("app", "file://../lib", "https://charts.example.com"),
		"charts/app/files/logo":     "link:../../../shared/logo.svg",
		"charts/app/files/dangling": "link:nowhere",
		"charts/lib/Chart.yaml":     chart("lib", "file://../base"),
		"charts/base/Chart.yaml":    chart("base"),
		"charts/other/Chart.yaml":   chart("other"),
		"shared/logo.svg":           "<svg/>",
		"current":                   "link:charts",
		"envs/dev":                  "link:../shared/dev",
		"shared/dev/values.yaml":    "a: 1\n",
		"sub/Chart.yaml":            chart("sub"),
		"sub/vendor/x":              "submodule:" + strings.Repeat("1", 40),
	})
	ref := k.ref("current/app")
	ref.Files = []string{"envs/dev/values.yaml", "envs/none.yaml"}
	k.Watch(release("app"), ref)
	a := k.fetch(ref)
	if a.Path != "charts/app" {
		t.Errorf("the path is %q", a.Path)
	}
	for name, want := range map[string]string{
		"charts/app/files/logo": "<svg/>", "charts/app/../base/Chart.yaml": chart("base"), "envs/dev/values.yaml": "a: 1\n",
	} {
		if got, err := os.ReadFile(filepath.Join(a.Dir, name)); string(got) != want {
			t.Errorf("%s holds %q: %v", name, got, err)
		}
	}
	for _, name := range []string{"charts/other", "sub", "envs/none.yaml"} {
		if _, err := os.Stat(filepath.Join(a.Dir, name)); err == nil {
			t.Errorf("%s does not belong there", name)
		}
	}
	for _, step := range []struct {
		files   map[string]string
		changed bool
	}{
		{map[string]string{"charts/other/values.yaml": "x"}, false},
		{map[string]string{"charts/base/values.yaml": "x"}, true},
		{map[string]string{"shared/logo.svg": "<svg>2</svg>"}, true},
		{map[string]string{"shared/dev/values.yaml": "a: 2\n"}, true},
		{map[string]string{"shared/dev/unrelated.yaml": "x"}, false},
		{map[string]string{"envs/none.yaml": "x"}, true},
	} {
		k.push(k.commit(step.files))
		if got := k.takeChanges(); (len(got) == 1) != step.changed {
			t.Errorf("%v: changed %v", step.files, got)
		}
	}
	sub := k.ref("sub")
	if res, err := k.Resolve(t.Context(), sub); err != nil || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "sub/vendor/x") {
		t.Errorf("a submodule below the path: %+v, %v", res, err)
	}
}

func TestEveryKindOfRef(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: time.Hour}, testkit.GitOptions{})
	first := k.commit(map[string]string{"a.yaml": "a: 1\n"})
	tag := func(name, commit string) {
		t.Helper()
		if err := k.repo.Tag(t.Context(), name, commit); err != nil {
			t.Fatal(err)
		}
	}
	tag("v1.0.0", first)
	second := k.commit(map[string]string{"a.yaml": "a: 2\n"})
	tag("1.1.0", second)
	third := k.commit(map[string]string{"a.yaml": "a: 3\n"})
	tag("v2.0.0-rc.1", third)
	feature := k.commitTo("feature/x", map[string]string{"a.yaml": "a: 4\n"})
	for _, test := range []struct {
		ref  model.GitRef
		want string
	}{
		{model.GitRef{}, third},
		{model.GitRef{Name: "HEAD"}, third},
		{model.GitRef{Name: "main"}, third},
		{model.GitRef{Name: "refs/heads/feature/x"}, feature},
		{model.GitRef{Branch: "feature/x"}, feature},
		{model.GitRef{Tag: "v1.0.0"}, first},
		{model.GitRef{Name: "1.1.0"}, second},
		{model.GitRef{SemVer: ">=1.0.0"}, second},
		{model.GitRef{Name: "1.0.*"}, first},
		{model.GitRef{Name: "v1.x"}, second},
		{model.GitRef{SemVer: ">=2.0.0-0"}, third},
		{model.GitRef{Commit: first}, first},
		{model.GitRef{Name: second}, second},
		{model.GitRef{Commit: strings.ToUpper(second)}, second},
	} {
		ref := k.ref(".")
		ref.Git = test.ref
		if a := k.fetch(ref); a.Revision.Commit != test.want {
			t.Errorf("%+v is at %.7s (%s), not %.7s", test.ref, a.Revision.Commit, a.Revision.Ref, test.want)
		}
	}
	// A new tag within the range moves it, by webhook.
	ranged := k.ref(".")
	ranged.Git.SemVer = "1.x"
	k.Watch(release("ranged"), ranged)
	k.fetch(ranged)
	tag("v1.2.0", third)
	if _, err := k.Notify(t.Context(), source.Push{URLs: []string{k.url + "/" + repoName}, Ref: "refs/tags/v1.2.0", Commit: third}); err != nil {
		t.Fatal(err)
	}
	if a := k.fetch(ranged); a.Revision.Ref != "v1.2.0" || len(k.takeChanges()) != 1 {
		t.Errorf("after the tag was pushed the range is at %+v", a.Revision)
	}
}

func TestFileURLs(t *testing.T) {
	k := newKit(t, source.Options{FileRoots: []string{"/"}}, testkit.GitOptions{})
	id := k.commit(map[string]string{"a.yaml": "a: 1\n"})
	for _, url := range []string{"file://" + k.repo.Dir, k.repo.Dir} {
		if a := k.fetch(model.Ref{Kind: model.SourceGit, URL: url}); a.Revision.Commit != id {
			t.Errorf("%s is at %+v", url, a.Revision)
		}
	}
}

func TestLastGoodArtifactStaysWhenThePathGoes(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	k.commit(map[string]string{"app/a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
	ref := k.ref("app")
	k.Watch(release("app"), ref)
	a := k.fetch(ref)
	k.push(k.commit(nil, "app"))
	res, err := k.Resolve(t.Context(), ref)
	if err != nil || res.Artifact.Digest != a.Digest || model.ReasonOf(res.Err, "") != "PathNotFound" {
		t.Errorf("after its folder was deleted: %+v, %v", res, err)
	}
	if got := k.takeChanges(); got != nil {
		t.Errorf("reported as changed: %v", got)
	}
	k.mu.Lock()
	if len(k.errors) != 1 || k.errors[0].err == nil {
		t.Errorf("errors told: %v", k.errors)
	}
	k.mu.Unlock()
	k.push(k.commit(map[string]string{"app/a.yaml": "a: 1\n"}))
	if res, _ := k.Resolve(t.Context(), ref); res.Err != nil || res.Artifact.Digest != a.Digest {
		t.Errorf("after it came back: %+v", res)
	}
}

func TestForcedPushAndDeletedBranch(t *testing.T) {
	k := newKit(t, source.Options{}, testkit.GitOptions{})
	k.commit(map[string]string{"a.yaml": "a: 1\n"})
	ref := k.ref(".")
	ref.Git.Branch = "main"
	k.Watch(release("a"), ref)
	k.fetch(ref)
	other := k.commitTo("other", map[string]string{"a.yaml": "a: 2\n"})
	if err := k.repo.SetBranch(t.Context(), "main", other); err != nil {
		t.Fatal(err)
	}
	k.push(other)
	if a := k.fetch(ref); a.Revision.Commit != other {
		t.Errorf("after a forced push it is at %+v", a.Revision)
	}
	if err := k.repo.SetBranch(t.Context(), "main", ""); err != nil {
		t.Fatal(err)
	}
	k.push(strings.Repeat("0", 40))
	if res, err := k.Resolve(t.Context(), ref); err != nil || model.ReasonOf(res.Err, "") != "RefNotFound" || res.Artifact.Revision.Commit != other {
		t.Errorf("after its branch was deleted: %+v, %v", res, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	k := newKit(t, source.Options{PollInterval: 20 * time.Millisecond}, testkit.GitOptions{})
	k.commit(map[string]string{"app/a.yaml": "a: 0\n", "b/b.yaml": "b: 0\n"})
	done := make(chan struct{})
	for i := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			id := release(string(rune('a' + i)))
			for n := range 30 {
				ref := k.ref([]string{"app", "b", "."}[n%3])
				k.Watch(id, ref)
				art, err := k.Fetch(t.Context(), ref)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stat(filepath.Join(art.Dir, art.Path)); err != nil {
					t.Error(err)
				}
				if n%7 == 0 {
					k.Unwatch(id)
				}
			}
		}()
	}
	for i := range 10 {
		id, err := k.repo.Commit(t.Context(), git.Commit{Branch: "main", Message: "x", Files: map[string]git.File{"app/a.yaml": {Data: []byte{byte('0' + i)}}}})
		if err != nil {
			t.Error(err)
		}
		if _, err := k.Notify(t.Context(), source.Push{URLs: []string{k.url + "/" + repoName}, Ref: "refs/heads/main", Commit: id}); err != nil {
			t.Error(err)
		}
	}
	for range 8 {
		<-done
	}
}
