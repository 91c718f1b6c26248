package pipeline

import (
	"io"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestWorkflowIsValid holds the workflow against actionlint: its syntax, its expressions and what
// they may refer to, and the inputs of its actions.
func TestWorkflowIsValid(t *testing.T) {
	for name, o := range map[string]Options{
		"with nothing said": {Provider: GitHub},
		"with everything": {
			Provider: GitHub, Registry: "registry.example.com/shop", URLs: []string{"staging=https://staging.example.com"},
			Environments: []string{"qa", "staging", "live"}, Tests: []string{"make unit", "make integration"},
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
			linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
			if err != nil {
				t.Fatal(err)
			}
			problems, err := linter.Lint(githubFile, []byte(files[0].Content), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}
