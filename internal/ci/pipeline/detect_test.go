package pipeline

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const values = "image:\n  repository: registry.example.com/web\n  tag: \"\"\n  digest: \"\"\n"

// repository is one as most are: an application and its chart.
func repository() fstest.MapFS {
	return files(map[string]string{
		".git/config":                     "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = git@git.example.com:Shop/web.git\n",
		".git/HEAD":                       "ref: refs/heads/some-change\n",
		".git/refs/remotes/origin/HEAD":   "ref: refs/remotes/origin/trunk\n",
		"web/Dockerfile":                  "ARG BASE=debian\nFROM ${BASE}\nHEALTHCHECK CMD true\n",
		"web/base/Dockerfile":             "FROM scratch\n",
		"web/requirements.txt":            "# what it needs\nFlask>=2\npsycopg2-binary==2.9\ngunicorn\n",
		"web/tests/test_app.py":           "import unittest\n",
		"charts/web/Chart.yaml":           "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"charts/web/values.yaml":          values,
		"charts/web/values-dev.yaml":      "{}\n",
		"charts/web/values-stage.yaml":    "{}\n",
		"charts/web/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
		"charts/common/Chart.yaml":        "apiVersion: v2\nname: common\ntype: library\nversion: 1.0.0\n",
		"node_modules/x/Dockerfile":       "FROM scratch\n",
	})
}

func files(content map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range content {
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

// changed is the repository with files replaced, added, or (empty) removed.
func changed(content map[string]string) fstest.MapFS {
	m := repository()
	for name, text := range content {
		if text == "" {
			delete(m, name)
			continue
		}
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

func TestDetect(t *testing.T) {
	got, err := Detect(repository(), Options{Provider: GitLab})
	if err != nil {
		t.Fatal(err)
	}
	want := &Spec{
		Provider: GitLab, Name: "web", Project: "Shop/web", Host: "git.example.com", Branch: "trunk",
		Chart: "charts/web", Dockerfile: "web/Dockerfile", Context: "web", BaseArg: "BASE", DockerFormat: true,
		ImageKey: "image", HasDigest: true, Image: "$CI_REGISTRY_IMAGE/web", Registry: "$CI_REGISTRY",
		RunnerImage: "registry.git.example.com/shop/web/ci-runner@" + placeholderDigest,
		Tests:       []Test{{Job: "test", Dir: "web", Command: "python3 -m unittest discover --start-directory tests --top-level-directory ."}},
		Packages:    []string{"gunicorn", "python3", "python3-flask", "python3-psycopg2"},
		Environments: []Environment{
			{Name: "dev", Namespace: "web-dev", Values: []string{"charts/web/values-dev.yaml"}, Tier: "development", Audience: "fairlead-dev"},
			{Name: "staging", Namespace: "web-staging", Values: []string{"charts/web/values-stage.yaml"}, Tier: "staging", Audience: "fairlead-staging", Verify: true},
			{Name: "prod", Namespace: "web-prod", Tier: "production", Audience: "fairlead-prod", Verify: true, Manual: true},
		},
		HealthPath: "/health",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDetectTests(t *testing.T) {
	none := map[string]string{"web/tests/test_app.py": "", "web/requirements.txt": ""}
	for name, tt := range map[string]struct {
		files    map[string]string
		said     []string
		want     []Test
		packages string
	}{
		"pytest, as a test imports it": {
			files:    map[string]string{"web/tests/test_app.py": "import pytest\n"},
			want:     []Test{{Job: "test", Dir: "web", Command: "python3 -m pytest --junitxml=test.xml", JUnit: "web/test.xml"}},
			packages: "gunicorn python3 python3-flask python3-psycopg2 python3-pytest",
		},
		"Go": {
			files:    map[string]string{"web/go.mod": "module web\n", "web/web_test.go": "package web\n"},
			want:     []Test{{Job: "test", Dir: "web", Command: `GOMODCACHE="$PWD/.gomodcache" go test ./...`, Go: true}},
			packages: "gcc libc6-dev",
		},
		"Node": {
			files: map[string]string{"package.json": `{"scripts": {"test": "node --test"}}`, "package-lock.json": "{}"},
			want: []Test{{Job: "test", Dir: ".", Command: "npm ci --ignore-scripts --cache .npm && npm test",
				Lock: "package-lock.json", Cache: []string{".npm/"}}},
			packages: "nodejs npm",
		},
		"as it was said": {
			said: []string{"make unit", "make slow"},
			want: []Test{{Job: "test-1", Dir: ".", Command: "make unit"}, {Job: "test-2", Dir: ".", Command: "make slow"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := tt.files
			if name != "pytest, as a test imports it" {
				all = map[string]string{}
				for k, v := range none {
					all[k] = v
				}
				for k, v := range tt.files {
					all[k] = v
				}
			}
			s, err := Detect(changed(all), Options{Provider: GitLab, Tests: tt.said})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.Tests, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("tests (-want +got):\n%s", diff)
			}
			if got := strings.Join(s.Packages, " "); got != tt.packages {
				t.Errorf("packages %q, want %q", got, tt.packages)
			}
		})
	}
}

// TestDetectImageValues: charts keep the image's name in different places.
func TestDetectImageValues(t *testing.T) {
	const reads = "image: {{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ end }}:{{ .Values.image.tag | default .Chart.AppVersion }}\n"
	for name, tt := range map[string]struct {
		files  map[string]string
		key    string
		want   string
		digest bool
	}{
		"deep":               {map[string]string{"charts/web/values.yaml": "deployment: {container: {image: {repository: a, tag: b}}}\n"}, "", "deployment.container.image", false},
		"read by a template": {map[string]string{"charts/web/values.yaml": "image: {repository: a}\n", "charts/web/templates/d.yaml": reads}, "", "image", true},
		"image before all":   {map[string]string{"charts/web/values.yaml": "image: {repository: a, tag: b}\nsidecar: {image: {repository: a, tag: b}}\n"}, "", "image", false},
		"as it was said":     {map[string]string{"charts/web/values.yaml": "api: {image: {repository: a, tag: b}}\njob: {image: {repository: a, tag: b}}\n"}, "api.image", "api.image", false},
	} {
		s, err := Detect(changed(tt.files), Options{Provider: GitLab, ImageKey: tt.key})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.ImageKey != tt.want || s.HasDigest != tt.digest {
			t.Errorf("%s: %s, digest %v; want %s, %v", name, s.ImageKey, s.HasDigest, tt.want, tt.digest)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		files  map[string]string
		o      Options
		reason string
		says   string
	}{
		"no chart":              {files: map[string]string{"charts/web/Chart.yaml": "", "charts/web/charts/db/Chart.yaml": ""}, reason: "NoChart", says: "there is no chart"},
		"two charts":            {files: map[string]string{"charts/api/Chart.yaml": "name: api\n"}, reason: "Ambiguous", says: "charts/api, charts/web"},
		"a chart that is none":  {o: Options{Chart: "web"}, reason: "NoChart", says: "web is no chart"},
		"a broken chart":        {files: map[string]string{"charts/web/Chart.yaml": "a: [\n"}, reason: "NoChart", says: "charts/web/Chart.yaml"},
		"no Dockerfile":         {files: map[string]string{"web/Dockerfile": "", "web/base/Dockerfile": ""}, reason: "NoDockerfile", says: "there is no Dockerfile"},
		"two Dockerfiles":       {files: map[string]string{"api/Dockerfile": "FROM a\n", "web/Dockerfile": "", "worker/Dockerfile": "FROM a\n"}, reason: "Ambiguous", says: "api/Dockerfile"},
		"no tests":              {files: map[string]string{"web/tests/test_app.py": ""}, reason: "NoTests", says: "no tests were found"},
		"no value for an image": {files: map[string]string{"charts/web/values.yaml": "img: x\n"}, reason: "NoImageValue", says: "image.repository"},
		"two images":            {files: map[string]string{"charts/web/values.yaml": "api: {image: {repository: a, tag: b}}\njob: {image: {repository: a, tag: b}}\n"}, reason: "Ambiguous", says: "api.image, job.image"},
		"no value for a tag":    {files: map[string]string{"charts/web/values.yaml": "image: {repository: a}\n"}, reason: "NoImageValue", says: "image.tag"},
		"a name with a quote":   {o: Options{Name: `a"b`}, reason: "InvalidPipeline", says: "the name"},
		"a namespace in shell":  {o: Options{Namespaces: []string{"dev=$(id)"}}, reason: "InvalidPipeline", says: "a namespace"},
		"an unpinned runner":    {o: Options{RunnerImage: "registry.example.com/runner:latest"}, reason: "InvalidPipeline", says: "the runner image"},
		"a URL in shell":        {o: Options{URLs: []string{"dev=https://x/$(id)"}}, reason: "InvalidPipeline", says: "the address of dev"},
		"a way out":             {o: Options{Context: "../.."}, reason: "InvalidPipeline", says: "the build's folder"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.Provider = GitLab
			_, err := Detect(changed(tt.files), tt.o)
			if err == nil {
				t.Fatal("it is accepted")
			}
			if got := model.ReasonOf(err, ""); got != tt.reason || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v; want %s: %s", got, err, tt.reason, tt.says)
			}
		})
	}
}

func TestDetectRefusesFlags(t *testing.T) {
	for name, o := range map[string]Options{
		"an unknown environment":  {URLs: []string{"test=https://example.com"}},
		"no value":                {Namespaces: []string{"dev"}},
		"twice the same":          {Namespaces: []string{"dev=a", "dev=b"}},
		"twice one environment":   {Environments: []string{"dev", "dev"}},
		"a Dockerfile not there":  {Dockerfile: "x/Dockerfile"},
		"an unknown chart folder": {Chart: "charts/x"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Provider = GitLab
			if _, err := Detect(repository(), o); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}

// TestDetectWithoutOrigin: a worktree's .git is a file, a new repository has no remote, and some remotes
// are at the other build service.
func TestDetectWithoutOrigin(t *testing.T) {
	worktree := changed(map[string]string{".git/config": "", ".git/HEAD": "", ".git/refs/remotes/origin/HEAD": "", ".git": "gitdir: /elsewhere\n"})
	fresh := changed(map[string]string{".git/config": "[core]\n", ".git/refs/remotes/origin/HEAD": ""})
	elsewhere := changed(map[string]string{".git/config": "[remote \"origin\"]\n\turl = https://gitlab.com/shop/web.git\n"})
	for name, tt := range map[string]struct {
		repo   fstest.MapFS
		branch string
	}{"worktree": {worktree, "main"}, "fresh": {fresh, "some-change"}, "elsewhere": {elsewhere, "trunk"}} {
		s, err := Detect(tt.repo, Options{Provider: GitHub})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !s.Guessed || s.Project != "group/web" || s.Host != "github.com" || s.Branch != tt.branch {
			t.Errorf("%s: %s at %s, branch %s, guessed %v", name, s.Project, s.Host, s.Branch, s.Guessed)
		}
	}
}

func TestParseRemote(t *testing.T) {
	for remote, want := range map[string][2]string{
		"https://gitlab.com/a/b.git":             {"gitlab.com", "a/b"},
		"https://user:pass@gitlab.com/a/b/c.git": {"gitlab.com", "a/b/c"},
		"https://git.example.com:8443/a/b":       {"git.example.com:8443", "a/b"},
		"ssh://git@git.example.com:2222/a/b.git": {"git.example.com", "a/b"},
		"git@github.com:a/b.git":                 {"github.com", "a/b"},
		"../elsewhere":                           {"", ""},
		"/srv/git/x.git":                         {"", ""},
		"":                                       {"", ""},
	} {
		host, project := parseRemote(remote)
		if host != want[0] || project != want[1] {
			t.Errorf("%q is %q at %q, want %q", remote, project, host, want)
		}
	}
}
