package pipeline

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is rendered into testdata")

// TestRender holds the files against testdata.
func TestRender(t *testing.T) {
	for name, o := range map[string]Options{
		"gitlab": {Provider: GitLab, RunnerImage: "registry.example.com/runner@sha256:" + strings.Repeat("ab", 32), URLs: []string{"staging=https://web.staging.example.com"}},
		"github": {Provider: GitHub, RunnerImage: "ghcr.io/shop/runner@sha256:" + strings.Repeat("ab", 32), URLs: []string{"staging=https://web.staging.example.com"}},
		"other-registry": {
			Provider: GitLab, Registry: "registry.example.com:5000/shop", Environments: []string{"test", "production"},
			Tests: []string{"make test", "go test ./..."}, Packages: []string{"make"},
			Said: []string{"registry=registry.example.com:5000/shop", "test=make test", "test=go test ./..."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Detect(repository(), o)
			if err != nil {
				t.Fatal(err)
			}
			files, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				golden := filepath.Join("testdata", name, filepath.Base(f.Path)+".golden")
				if *update {
					if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(golden, []byte(f.Content), 0o644); err != nil {
						t.Fatal(err)
					}
					continue
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatalf("%v; go test -update writes it", err)
				}
				if diff := cmp.Diff(string(want), f.Content); diff != "" {
					t.Errorf("%s (-want +got):\n%s", f.Path, diff)
				}
				if !intact(f.Content) {
					t.Errorf("%s is not taken for what was written", f.Path)
				}
				for i, line := range strings.Split(f.Content, "\n") {
					if strings.TrimRight(line, " ") != line {
						t.Errorf("%s:%d ends in spaces", f.Path, i+1)
					}
				}
			}
		})
	}
}

func TestRecordedOptions(t *testing.T) {
	want := []string{"registry=registry.example.com", "test=make test"}
	s, err := Detect(repository(), Options{Provider: GitHub, Said: want})
	if err != nil {
		t.Fatal(err)
	}
	files, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, RecordedOptions(files[0].Content)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := RecordedOptions("stages: []\n"); got != nil {
		t.Errorf("options %q of a pipeline that has none", got)
	}
}
