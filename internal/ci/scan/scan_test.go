package scan

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// token looks like a token of GitLab's. It is put together here, so that it stands in no file.
func token() string { return "glpat" + "-" + "x7Kq9" + "Zr2Lw" + "8Tn4Vb" + "6Yc1" }

func scanned(t *testing.T, root fstest.MapFS, o Options, names ...string) Result {
	t.Helper()
	s, err := New(root, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		for name := range root {
			names = append(names, name)
		}
	}
	if err := s.Files(t.Context(), names); err != nil {
		t.Fatal(err)
	}
	return s.Result()
}

func places(res Result) []string {
	var out []string
	for _, f := range res.Findings {
		out = append(out, fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Rule))
	}
	return out
}

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestFiles(t *testing.T) {
	secret := "first\n\nvalue " + token() + "\n"
	for name, tt := range map[string]struct {
		root fstest.MapFS
		opts Options
		want []string
	}{
		"found":                {root: fstest.MapFS{"a/b.txt": file(secret)}, want: []string{"a/b.txt:3 gitlab-pat"}},
		"in Base64":            {root: fstest.MapFS{"a": file("data: " + base64.StdEncoding.EncodeToString([]byte("value "+token()+" end")) + "\n")}, want: []string{"a:1 gitlab-pat"}},
		"allowed on its line":  {root: fstest.MapFS{"a": file("value " + token() + " # gitleaks:allow\n")}},
		"ignored by print":     {root: fstest.MapFS{"a": file(secret), IgnoreFile: file("# why\na:gitlab-pat:3\n")}},
		"known before":         {root: fstest.MapFS{"a": file(secret)}, opts: Options{Baseline: map[string]bool{"a:gitlab-pat:3": true}}},
		"binary":               {root: fstest.MapFS{"a": file("\x00" + secret)}},
		"a link":               {root: fstest.MapFS{"l": {Data: []byte("a"), Mode: 0o777 | 1<<27}}},
		"rules of its own":     {root: fstest.MapFS{"a": file(secret + "shop-12345\n"), ConfigFile: file("[[rules]]\nid='shop'\nregex='shop-[0-9]+'\n")}, want: []string{"a:4 shop"}},
		"rules beside the own": {root: fstest.MapFS{"a": file(secret + "shop-12345\n"), ConfigFile: file("[extend]\nuseDefault=true\n[[rules]]\nid='shop'\nregex='shop-[0-9]+'\n")}, want: []string{"a:3 gitlab-pat", "a:4 shop"}},
		"a rule switched off":  {root: fstest.MapFS{"a": file(secret), ConfigFile: file("[extend]\nuseDefault=true\ndisabledRules=['gitlab-pat']\n")}},
		"an allowed path":      {root: fstest.MapFS{"testdata/a": file(secret), ConfigFile: file("[extend]\nuseDefault=true\n[allowlist]\npaths=['testdata/']\n")}},
		"for one rule":         {root: fstest.MapFS{"a": file(secret), ConfigFile: file("[extend]\nuseDefault=true\n[[allowlists]]\ntargetRules=['gitlab-pat']\npaths=['a']\n")}},
		"rules of a file":      {root: fstest.MapFS{"a": file("shop-12345\n"), "ci/rules.toml": file("[[rules]]\nid='shop'\nregex='shop-[0-9]+'\n"), ConfigFile: file("[extend]\npath='ci/rules.toml'\n")}, want: []string{"a:1 shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := scanned(t, tt.root, tt.opts)
			if diff := cmp.Diff(tt.want, places(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Rules can be loaded as often as someone asks: the library's own way counts in a global variable.
func TestRulesAgain(t *testing.T) {
	root := fstest.MapFS{"a": file("value " + token() + "\n"), ConfigFile: file("[extend]\nuseDefault=true\n")}
	for range 4 {
		if got := places(scanned(t, root, Options{})); len(got) != 1 {
			t.Fatal(got)
		}
	}
}

func TestBadRules(t *testing.T) {
	for name, text := range map[string]string{
		"an expression that is none": "[[rules]]\nid='x'\nregex='('\n",
		"no TOML":                    "rules = [",
		"from another server":        "[extend]\nurl='https://example.com/rules.toml'\n",
		"from a file that is away":   "[extend]\npath='none.toml'\n",
		"from outside":               "[extend]\npath='../rules.toml'\n",
		"for a rule that is none":    "[[allowlists]]\ntargetRules=['none']\npaths=['a']\n[[rules]]\nid='x'\nregex='y'\n",
	} {
		if _, err := New(fstest.MapFS{ConfigFile: file(text)}, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(fstest.MapFS{}, Options{Config: "none.toml"}); err == nil {
		t.Error("a configuration that is not there is no configuration without rules")
	}
}

// Nothing that leaves the package holds the secret or a part of it.
func TestNeverShown(t *testing.T) {
	res := scanned(t, fstest.MapFS{"a": file("password = \"" + token() + "\"\n"), "b": file("x " + token() + " y\n")}, Options{})
	if len(res.Findings) < 2 {
		t.Fatal(res)
	}
	b, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{token(), token()[6:12], "password"} {
		if strings.Contains(string(b), part) {
			t.Errorf("the result holds %q: %s", part, b)
		}
	}
}

func TestLargeFilesAreNamed(t *testing.T) {
	res := scanned(t, fstest.MapFS{"big": file(strings.Repeat("x", 2000))}, Options{MaxBytes: 1000})
	if diff := cmp.Diff([]Skipped{{File: "big", Reason: "larger than 1000 bytes"}}, res.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestTooLargeConfiguration(t *testing.T) {
	_, err := New(fstest.MapFS{ConfigFile: file(strings.Repeat("#\n", maxConfig))}, Options{})
	if model.ReasonOf(err, "") != "TooLarge" {
		t.Error(err)
	}
}
