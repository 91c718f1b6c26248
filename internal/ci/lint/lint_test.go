package lint

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// lines are findings as the golden files hold them.
func lines(res Result) string {
	var b strings.Builder
	for _, f := range res.Findings {
		fmt.Fprintf(&b, "%s:%d %s %s [%s] %s\n", f.File, f.Line, f.Severity, f.Rule, strings.Join(f.Jobs, " "), f.Message)
	}
	return b.String()
}

// The pipelines of testdata are what guides show; each says in findings.txt what is wrong with it.
func TestPipelines(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			res, err := Run(os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, "findings.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(lines(res)), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), lines(res)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
