package lint

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	page  = "../../../docs/reference/ci-lint.md"
	begin = "<!-- rules: go test ./internal/ci/lint -update writes them -->\n"
)

// The page of rules is written from the rules.
func TestPage(t *testing.T) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(data), begin)
	if !ok {
		t.Fatalf("%s has no line %q", page, begin)
	}
	want := head + begin + ruleList()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("%s is not what the rules say; go test -update writes it (-want +got):\n%s", page, diff)
	}
}

// ruleList is every rule with what to write instead.
func ruleList() string {
	var b strings.Builder
	b.WriteString("\n| rule | severity | |\n|---|---|---|\n")
	for _, r := range Rules() {
		only := ""
		switch {
		case r.Fix[GitHub] == "":
			only = " (GitLab)"
		case r.Fix[GitLab] == "":
			only = " (GitHub)"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s%s |\n", r.ID, r.ID, r.Severity, r.Title, only)
	}
	for _, r := range Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n%s\n", r.ID, r.Title, r.Why)
		if r.Fix[GitLab] == r.Fix[GitHub] {
			b.WriteString(snippet("", r.Fix[GitLab]))
			continue
		}
		b.WriteString(snippet("GitLab", r.Fix[GitLab]))
		b.WriteString(snippet("GitHub", r.Fix[GitHub]))
	}
	return b.String()
}

func snippet(title, text string) string {
	if text == "" {
		return ""
	}
	if title != "" {
		title = "\n" + title + ":\n"
	}
	return title + "\n" + "    " + strings.ReplaceAll(strings.TrimPrefix(text, "\n"), "\n", "\n    ") + "\n"
}
