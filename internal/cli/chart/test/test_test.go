package test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
)

func inProcess(string) (check.Render, func()) {
	r := render.New(render.Options{})
	return func(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities) (model.Rendered, error) {
		return r.Render(ctx, rel, a, caps, render.RenderOptions{})
	}, func() {}
}

func noServer(context.Context, string, string) (check.Server, func() error, string, error) {
	return nil, func() error { return nil }, "none was asked", nil
}

// run is the command; it gives what it printed and its error.
func run(t *testing.T, args ...string) (string, string, error) {
	t.Helper()
	k := clitest.Keep()
	cmd := NewCmdTest(k.Factory(), inProcess, noServer, nil)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(k.Streams.Err)
	cmd.SetErr(k.Streams.Err)
	err := cmd.ExecuteContext(t.Context())
	return k.Out.String(), k.Err.String(), err
}

const broken = "testdata/broken"

func TestOutput(t *testing.T) {
	for name, args := range map[string][]string{
		"table.txt": {broken}, "notes.txt": {broken, "--notes"}, "json.txt": {broken, "-o", "json"},
		"ignored.txt": {broken, "--ignore", "image-tag,resources,kube-schema", "--no-toggles"}, "rules.txt": {"--rules"},
	} {
		t.Run(name, func(t *testing.T) {
			out, said, err := run(t, args...)
			if want := cli.ErrNo; name != "rules.txt" && name != "ignored.txt" && !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if said != "" {
				t.Errorf("it said %q", said)
			}
			clitest.Golden(t, name, out)
		})
	}
}

func TestFailOn(t *testing.T) {
	ignore := "image-tag,resources,kube-schema,run-as-non-root,privilege-escalation,read-only-root,capabilities,seccomp,removed-api"
	for name, tt := range map[string]struct {
		args []string
		want error
	}{
		"an error":               {nil, cli.ErrNo},
		"a warning is no error":  {[]string{"--ignore", ignore}, nil},
		"unless it is to be one": {[]string{"--ignore", ignore, "--fail-on", "warning"}, cli.ErrNo},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := run(t, append([]string{broken}, tt.args...)...); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestReports(t *testing.T) {
	dir := t.TempDir()
	junit, quality := filepath.Join(dir, "junit.xml"), filepath.Join(dir, "quality.json")
	if _, _, err := run(t, broken, "--report", "junit="+junit, "--report", "codequality="+quality); !errors.Is(err, cli.ErrNo) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(junit)
	if err != nil {
		t.Fatal(err)
	}
	var suites testsuites
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for _, c := range suites.Suites[0].Cases {
		if c.Failure != nil {
			failures++
		}
	}
	if suites.Tests != len(suites.Suites[0].Cases) || suites.Failures != failures || failures == 0 {
		t.Errorf("it counts %d tests, %d failures; there are %d, %d", suites.Tests, suites.Failures, len(suites.Suites[0].Cases), failures)
	}
	clitest.Golden(t, "junit.xml", regexp.MustCompile(`time="[^"]*"`).ReplaceAllString(string(text), `time="0"`))

	if text, err = os.ReadFile(quality); err != nil {
		t.Fatal(err)
	}
	var issues []issue
	if err := json.Unmarshal(text, &issues); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, i := range issues {
		if seen[i.Fingerprint] || i.Fingerprint == "" || i.Location.Lines.Begin < 1 || !strings.HasPrefix(i.Location.Path, broken+"/") {
			t.Errorf("issue %+v", i)
		}
		seen[i.Fingerprint] = true
	}
	clitest.Golden(t, "codequality.json", string(text))
}

func TestFlags(t *testing.T) {
	for name, args := range map[string][]string{
		"no chart": {}, "two charts": {"a", "b"}, "no such version": {"a", "--kube-version", "1.2"},
		"no such cluster": {"a", "--cluster", "there"}, "no such severity": {"a", "--fail-on", "info"},
		"no such form": {"a", "--report", "html=x"}, "no file": {"a", "--report", "junit"},
		"no such rule": {"a", "--ignore", "sekkomp"}, "no such output": {"a", "-o", "xml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := run(t, args...)
			if usage := (*cli.UsageError)(nil); !errors.As(err, &usage) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, _, err := run(t, "testdata/nothing"); cli.ExitCode(err) != cli.ExitError || !strings.Contains(err.Error(), "testdata/nothing") {
		t.Errorf("a chart that is not there: %v", err)
	}
	if _, _, err := run(t, broken, "-f", "testdata/nothing.yaml"); cli.ExitCode(err) != cli.ExitError || !strings.Contains(err.Error(), "nothing.yaml") {
		t.Errorf("values that are not there: %v", err)
	}

	var got *Options
	k := clitest.Keep()
	cmd := NewCmdTest(k.Factory(), inProcess, noServer, func(_ context.Context, o *Options) error { got = o; return nil })
	cmd.SetArgs([]string{"web", "-f", "a.yaml", "-f", "b.yaml", "--kube-version", "1.33,1.36", "--cluster", "none", "--update"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.yaml", "b.yaml"}, got.Files); diff != "" || len(got.Check.Kube) != 2 || !got.Check.Update || got.Cluster != ClusterNone {
		t.Errorf("%+v %s", got, diff)
	}
}

// The page of rules is made of the rules; -update writes it.
func TestRulesPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Rules of `fairlead chart test`\n\nWritten by `go test ./internal/cli/chart/test -update`. How to say that something is meant to be as it\n" +
		"is: [the guide](../guides/charts.md#what-is-meant-to-be-as-it-is).\n\n| rule | severity | what is wrong | what to do |\n|---|---|---|---|\n")
	for _, r := range check.Rules {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Severity, r.Title, strings.ReplaceAll(r.Fix, "|", "\\|"))
	}
	b.WriteString("\nSources: the restricted level of the [Pod Security Standards](https://kubernetes.io/docs/concepts/security/pod-security-standards/),\n" +
		"the NSA/CISA Kubernetes Hardening Guide, Kubernetes' OpenAPI documents and its\n[deprecated API migration guide](https://kubernetes.io/docs/reference/using-api/deprecation-guide/).\n")
	clitest.Golden(t, "../../../../../docs/reference/chart-rules.md", b.String())
}
