package rbac

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/chart/rbac"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
)

const chart = "../../template/testdata/edge"

func charts() (*open.Charts, error) { return open.New(open.Options{}), nil }

func run(t *testing.T, namespace string, args ...string) (out, talk string, err error) {
	t.Helper()
	k := clitest.Keep()
	k.Streams.In = strings.NewReader("")
	f := k.Factory()
	f.Global.Namespace = namespace
	cmd := NewCmdRBAC(f, charts, nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return k.Out.String(), k.Err.String(), err
}

// TestOutput: what both renders of a chart contain is in, hooks of upgrades and CRDs too.
func TestOutput(t *testing.T) {
	out, talk, err := run(t, "prod", chart, "--for", "helm", "--release", "shop", "--service-account", "ci/deployer")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# The rights to deploy, roll back and uninstall release shop in namespace prod by helm upgrade --install --wait (Helm 4).\n",
		"# made at the first install, never deleted: CustomResourceDefinition/things.example.com (crds/thing.yaml)\n",
		"resourceNames: [early, late]", "resourceNames: [shop]", "resourceNames: [extra]",
		"- kind: ServiceAccount\n  name: deployer\n  namespace: ci\n",
		"name: prod-shop-deploy", "name: shop-deploy",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "shop-test") {
		t.Error("the test hook's pod needs no rights")
	}
	if talk != "" && !strings.Contains(talk, "looks") {
		t.Errorf("it said %q", talk)
	}
}

// TestUpgradeRefused: many charts want the password that they made at the install when they are
// upgraded, and look for it in the cluster.
func TestUpgradeRefused(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
		"templates/secret.yaml": `{{- $old := lookup "v1" "Secret" .Release.Namespace "db" }}
{{- if and .Release.IsUpgrade (not $old) }}{{ fail "give the current password" }}{{ end }}
apiVersion: v1
kind: Secret
metadata: {name: db}
`,
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, talk, err := run(t, "prod", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "looked up while the chart is rendered, by templates/secret.yaml") || !strings.Contains(talk, "not as it is upgraded without a cluster to look into (templates/secret.yaml:2: give the current password)") {
		t.Errorf("got %s\n%s", out, talk)
	}
}

func TestSubjects(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"default": {nil, "ServiceAccount edge-deploy default"},
		"account": {[]string{"--service-account", "ci"}, "ServiceAccount ci default"},
		"user":    {[]string{"--user", "https://gitlab.example.com#1"}, "User https://gitlab.example.com#1 "},
		"group":   {[]string{"--group", "deployers"}, "Group deployers "},
	} {
		args := append([]string{chart, "-o", "jsonpath={.items[-1:].subjects[0].kind} {.items[-1:].subjects[0].name} {.items[-1:].subjects[0].namespace}"}, tt.args...)
		out, _, err := run(t, "", args...)
		if err != nil || strings.TrimRight(out, "\n") != strings.TrimRight(tt.want, "") {
			t.Errorf("%s: got %q, %v", name, out, err)
		}
	}
}

func TestUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"two subjects":  {chart, "--user", "a", "--group", "b"},
		"another tool":  {chart, "--for", "kubectl"},
		"a bad account": {chart, "--service-account", "a/b/c"},
		"no chart":      {},
		"a format":      {chart, "-o", "table"},
	} {
		if _, _, err := run(t, "", args...); cli.ExitCode(err) != cli.ExitError {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := clitest.Keep()
	var got *Options
	cmd := NewCmdRBAC(k.Factory(), charts, func(_ context.Context, o *Options) error { got = o; return nil })
	cmd.SetArgs([]string{chart, "--any-name", "--diagnose", "--cluster", "--set", "a=1"})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !got.AnyName || !got.Diagnose || !got.AskCluster || got.Tool != rbac.Fairlead || len(got.Values) != 1 || got.Namespace != "default" {
		t.Errorf("got %+v", got)
	}
}
