package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
)

func run(t *testing.T, args ...string) (out, talk string, code int) {
	t.Helper()
	k := clitest.Keep()
	cmd := NewCmdSchema(k.Factory(), func() (*open.Charts, error) { return open.New(open.Options{}), nil }, nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		t.Log(err)
	}
	return k.Out.String(), k.Err.String(), cli.ExitCode(err)
}

func write(t *testing.T, at, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLife: a schema is written, is what it should be, is left behind by its values, and is mended.
func TestLife(t *testing.T) {
	chart := filepath.Join(t.TempDir(), "web")
	file := filepath.Join(chart, "values.schema.json")
	write(t, filepath.Join(chart, "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n")
	write(t, filepath.Join(chart, "values.yaml"), "replicas: 1\n")
	if _, _, code := run(t, chart, "--check"); code != cli.ExitNo {
		t.Errorf("no schema yet: exit code %d", code)
	}
	printed, _, code := run(t, chart)
	if code != cli.ExitYes || !strings.Contains(printed, `"replicas"`) {
		t.Errorf("exit code %d, printed %s", code, printed)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written unasked")
	}
	if out, _, code := run(t, chart, "--update"); code != cli.ExitYes || strings.TrimSpace(out) != file {
		t.Errorf("exit code %d, said %q", code, out)
	}
	if _, _, code := run(t, chart, "--check"); code != cli.ExitYes {
		t.Errorf("just written: exit code %d", code)
	}
	write(t, filepath.Join(chart, "values.yaml"), "replicas: two\nimage: x\n")
	_, talk, code := run(t, chart, "--update")
	for _, want := range []string{
		"replicas: the schema says integer, values.yaml holds string; the schema's is kept", "image: added", "refused: values.yaml: replicas",
	} {
		if !strings.Contains(talk, want) {
			t.Errorf("no %q in %s", want, talk)
		}
	}
	if code != cli.ExitNo {
		t.Errorf("its own values are refused: exit code %d", code)
	}
}

func TestUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"nothing": {}, "no chart": {"nowhere"}, "both": {"x", "--update", "--check"}, "two places": {"x", "--update", "-o", "y"},
	} {
		if _, _, code := run(t, args...); code != cli.ExitError {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}
