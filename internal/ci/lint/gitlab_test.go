package lint

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func at(t *testing.T, root fstest.MapFS, rule string) []string {
	t.Helper()
	res, err := Run(root)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.SplitSeq(lines(res), "\n") {
		if f := strings.Fields(line); len(f) > 3 && f[2] == rule {
			out = append(out, f[0]+" "+strings.Trim(strings.Join(strings.FieldsFunc(line[strings.Index(line, "["):strings.Index(line, "]")], func(r rune) bool { return r == '[' }), ""), " "))
		}
	}
	return out
}

func yml(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

// What a job inherits is told where it is written, once, with all jobs that lead there.
func TestInheritance(t *testing.T) {
	for name, tt := range map[string]struct {
		root fstest.MapFS
		want []string
	}{
		"extends": {fstest.MapFS{".gitlab-ci.yml": yml(".base:\n  image: alpine\na:\n  extends: .base\n  script: [make]\nb:\n  extends: [.base]\n  script: [make]")},
			[]string{".gitlab-ci.yml:2 a b"}},
		"what is overridden": {fstest.MapFS{".gitlab-ci.yml": yml(".base:\n  image: alpine\na:\n  extends: .base\n  image: x@sha256:0\n  script: [make]")}, nil},
		"a chain of extends": {fstest.MapFS{".gitlab-ci.yml": yml(".x:\n  image: alpine\n.y:\n  extends: .x\na:\n  extends: .y\n  script: [make]")}, []string{".gitlab-ci.yml:2 a"}},
		"default":            {fstest.MapFS{".gitlab-ci.yml": yml("default:\n  image: alpine\na:\n  script: [make]")}, []string{".gitlab-ci.yml:2 a"}},
		"default refused":    {fstest.MapFS{".gitlab-ci.yml": yml("default:\n  image: alpine\na:\n  inherit: {default: false}\n  script: [make]")}, nil},
		"global":             {fstest.MapFS{".gitlab-ci.yml": yml("image: alpine\na:\n  script: [make]")}, []string{".gitlab-ci.yml:1 a"}},
		"an anchor":          {fstest.MapFS{".gitlab-ci.yml": yml(".x: &x\n  image: alpine\na:\n  <<: *x\n  script: [make]")}, []string{".gitlab-ci.yml:2 a"}},
		"a reference":        {fstest.MapFS{".gitlab-ci.yml": yml(".x:\n  image: alpine\na:\n  image: !reference [.x, image]\n  script: [make]")}, []string{".gitlab-ci.yml:2 a"}},
		"an include":         {fstest.MapFS{".gitlab-ci.yml": yml("include: ci/a.yml\n"), "ci/a.yml": yml("a:\n  image: alpine\n  script: [make]")}, []string{"ci/a.yml:2 a"}},
		"includes by pattern": {fstest.MapFS{".gitlab-ci.yml": yml("include:\n  - local: /ci/**.yml\n"), "ci/a.yml": yml("a:\n  image: alpine\n  script: [make]"), "ci/deep/b.yml": yml("b:\n  image: alpine\n  script: [make]")},
			[]string{"ci/a.yml:2 a", "ci/deep/b.yml:2 b"}},
		"changed after the include": {fstest.MapFS{".gitlab-ci.yml": yml("include: a.yml\na:\n  image: x@sha256:0"), "a.yml": yml("a:\n  image: alpine\n  script: [make]")}, nil},
		"in a circle":               {fstest.MapFS{".gitlab-ci.yml": yml("include: a.yml\n"), "a.yml": yml("include: .gitlab-ci.yml\na:\n  image: alpine\n  script: [make]")}, []string{"a.yml:3 a"}},
		"a job that is hidden":      {fstest.MapFS{".gitlab-ci.yml": yml(".a:\n  image: alpine\n  script: [make]\nb: {script: [make]}")}, nil},
		"a header":                  {fstest.MapFS{".gitlab-ci.yml": yml("spec:\n  inputs: {}\n---\na:\n  image: alpine\n  script: [make]")}, []string{".gitlab-ci.yml:5 a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := at(t, tt.root, "image-latest"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Commands of blocks, folded text and references are told on their own lines.
func TestPlaces(t *testing.T) {
	root := fstest.MapFS{".gitlab-ci.yml": yml(`.setup:
  script:
    - curl -k https://a
a:
  script:
    - !reference [.setup, script]
    - |
      make
      curl -k https://b
    - >
      curl
      -k https://c
    - make &&
      curl -k https://d
  after_script:
    - curl -k https://e
`)}
	want := []string{".gitlab-ci.yml:3 a", ".gitlab-ci.yml:9 a", ".gitlab-ci.yml:11 a", ".gitlab-ci.yml:13 a", ".gitlab-ci.yml:16 a"}
	if got := at(t, root, "tls-verification-off"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnreadable(t *testing.T) {
	for name, tt := range map[string]struct {
		root   fstest.MapFS
		reason string
	}{
		"nothing there":     {fstest.MapFS{}, "NoPipeline"},
		"no YAML":           {fstest.MapFS{".gitlab-ci.yml": yml("a: [")}, "NotYAML"},
		"a list":            {fstest.MapFS{".gitlab-ci.yml": yml("- a")}, "NotAPipeline"},
		"empty":             {fstest.MapFS{".gitlab-ci.yml": yml("")}, "NotAPipeline"},
		"too large":         {fstest.MapFS{".gitlab-ci.yml": yml(strings.Repeat("# x\n", maxFile/4+1))}, "TooLarge"},
		"an include away":   {fstest.MapFS{".gitlab-ci.yml": yml("include: none.yml\na: {script: [make]}")}, "IncludeNotFound"},
		"an include broken": {fstest.MapFS{".gitlab-ci.yml": yml("include: a.yml"), "a.yml": yml("x: [")}, "NotYAML"},
	} {
		if _, err := Run(tt.root); model.ReasonOf(err, "") != tt.reason {
			t.Errorf("%s: %v, want %s", name, err, tt.reason)
		}
	}
}

// Aliases of aliases grow without end when they are followed; the reading is bounded.
func TestManyAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("x0: &x0 [make, make, make, make, make, make, make, make, make]\n")
	for i := 1; i < 9; i++ {
		n := string(rune('0' + i))
		p := string(rune('0' + i - 1))
		b.WriteString("x" + n + ": &x" + n + " [" + strings.Repeat("*x"+p+", ", 8) + "*x" + p + "]\n")
	}
	b.WriteString("a: {script: *x8}\n")
	if _, err := Run(fstest.MapFS{".gitlab-ci.yml": yml(b.String())}); err == nil {
		t.Error("a pipeline of forty million commands is read")
	}
}

// Manifests that a job applies are looked at as far as the pipeline names them.
func TestManifests(t *testing.T) {
	root := fstest.MapFS{
		".gitlab-ci.yml": yml("a:\n  script:\n    - kubectl apply -f k8s/\n    - kubectl apply -f ok.yaml -f none.yaml\n    - kubectl apply -f ../x -f https://x/y.yaml -f $F\n"),
		"k8s/a.yaml":     yml("kind: Service\n---\nkind: Pod\nspec:\n  containers:\n  - image: x/y:latest\n"),
		"ok.yaml":        yml("kind: Deployment\nspec:\n  template:\n    spec: {}\n# kind: Pod\n"),
	}
	res, err := Run(root)
	if err != nil {
		t.Fatal(err)
	}
	text := lines(res)
	for _, want := range []string{".gitlab-ci.yml:3 error bare-pod [a] k8s/a.yaml:3: a Pod", ".gitlab-ci.yml:3 error builds-latest [a] k8s/a.yaml:6: latest is deployed"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "ok.yaml") {
		t.Errorf("a manifest that is right is named:\n%s", text)
	}
}
