package template

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// inProcess renders without a worker: the charts here are the project's own.
func inProcess() (*open.Charts, error) { return open.New(open.Options{}), nil }

// run executes the command.
func run(t *testing.T, namespace string, args ...string) (string, error) {
	t.Helper()
	k := clitest.Keep()
	k.Streams.In = strings.NewReader("")
	f := k.Factory()
	f.Global.Namespace = namespace
	cmd := NewCmdTemplate(f, inProcess, nil)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetErr(&k.Err)
	err := cmd.ExecuteContext(t.Context())
	return k.Out.String(), err
}

// helmRun is the same by the real helm, which sees nothing of this machine's configuration.
func helmRun(t *testing.T, namespace string, args ...string) string {
	t.Helper()
	bin, err := testkit.HelmBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{"template", "--namespace", namespace}, args...)...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "KUBECONFIG=/nonexistent"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("helm: %v\n%s", err, errs.String())
	}
	return out.String()
}

// kube is given to both: in tests Helm's library assumes another version than its program does.
const kube = "v1.36.3"

// TestAsHelm: the output is byte for byte that of the real helm, for every chart here and each set of
// flags.
func TestAsHelm(t *testing.T) {
	edge := "testdata/edge"
	for _, args := range [][]string{
		{"../../../charts/flask-app"},
		{"shop", "../../../charts/flask-app", "--is-upgrade"},
		{"../../../charts/fairlead"},
		{"shop", "../../render/helm/testdata/web", "--set", "replicas=7,env.REMOVED=null", "--set-string", "image.tag=1.0"},
		{"shop", "../../render/helm/testdata/hooks"},
		{"shop", "../../render/helm/testdata/legacy", "--set", "color=blue"},
		{"shop", edge},
		{"shop", edge, "--is-upgrade", "--include-crds", "--set", "big=12345678"},
		{"shop", edge, "--skip-tests", "-a", "example.com/v1"},
		{"shop", edge, "--no-hooks", "--set-json", `twin={"color":"green"}`},
		{"shop", edge, "-s", "templates/hooks.yaml"},
		{"shop", edge, "-s", "templates/sub/test.yaml", "-s", "templates/a.yaml"},
		{"shop", edge, "-s", "templates/*.yaml"},
		{"shop", edge, "-s", "charts/*/templates/cm.yaml", "--set", "child.enabled=false"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			args := append(slices.Clone(args), "--kube-version", kube)
			got, err := run(t, "prod", args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(helmRun(t, "prod", args...), got); diff != "" {
				t.Errorf("-helm +got:\n%s", diff)
			}
		})
	}
}

// TestOutputDir compares the files that are written.
func TestOutputDir(t *testing.T) {
	for _, extra := range [][]string{{"--include-crds"}, {"--release-name", "--include-crds"}} {
		ours, theirs := t.TempDir(), t.TempDir()
		args := append([]string{"shop", "testdata/edge", "--kube-version", kube}, extra...)
		said, err := run(t, "prod", append(slices.Clone(args), "--output-dir", filepath.Join(ours, "new/folder"))...)
		if err != nil {
			t.Fatal(err)
		}
		helmRun(t, "prod", append(slices.Clone(args), "--output-dir", filepath.Join(theirs, "new/folder"))...)
		if diff := cmp.Diff(files(t, theirs), files(t, ours)); diff != "" {
			t.Errorf("%v: -helm +got:\n%s", extra, diff)
		}
		if !strings.Contains(said, "wrote "+filepath.Join(ours, "new/folder")) {
			t.Errorf("it said %q", said)
		}
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		all[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOptions(t *testing.T) {
	k := clitest.Keep()
	k.Streams.In = strings.NewReader("hunter2\n")
	var got *Options
	cmd := NewCmdTemplate(k.Factory(), inProcess, func(_ context.Context, o *Options) error { got = o; return nil })
	cmd.SetArgs([]string{"shop", "web", "--repo", "https://charts.example.com", "--devel", "--username", "me", "--password-stdin", "-a", "a/v1,b/v1", "-s", "x", "-s", "y"})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Name != "shop" || got.Namespace != "default" || got.Chart.Chart != "web" || got.Chart.Version != ">0.0.0-0" {
		t.Errorf("got %+v", got)
	}
	if got.Chart.Auth == nil || got.Chart.Auth.Username != "me" || got.Chart.Auth.Password != "hunter2" {
		t.Error("the credential did not arrive")
	}
	if diff := cmp.Diff([]string{"a/v1", "b/v1"}, got.APIVersions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"x", "y"}, got.ShowOnly); diff != "" {
		t.Error(diff)
	}
}

func TestBadInput(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
		code int
	}{
		"no chart":              {[]string{"nowhere"}, `there is no chart at "nowhere"`, cli.ExitError},
		"a folder that is none": {[]string{"testdata"}, `"testdata" is no chart: it holds no Chart.yaml`, cli.ExitError},
		"a URL":                 {[]string{"https://example.com/x.tgz"}, "is the URL of an archive", cli.ExitError},
		"version of a folder":   {[]string{"testdata/edge", "--version", "1"}, "--version is for charts that are elsewhere", cli.ExitError},
		"name":                  {[]string{"Shop", "testdata/edge"}, `"Shop" is no name of a release`, cli.ExitError},
		"kube version":          {[]string{"testdata/edge", "--kube-version", "new"}, `--kube-version "new" is no version`, cli.ExitError},
		"show only":             {[]string{"testdata/edge", "-s", "templates/b.yaml"}, "nothing came from templates/b.yaml", cli.ExitError},
		"user without password": {[]string{"x", "--repo", "https://example.com", "--username", "me"}, "--username needs --password-stdin", cli.ExitError},
		"empty password":        {[]string{"x", "--repo", "https://example.com", "--username", "me", "--password-stdin"}, "there is no password on stdin", cli.ExitError},
		"set":                   {[]string{"testdata/edge", "--set", "a"}, "--set a: there is no =", cli.ExitError},
		"http":                  {[]string{"x", "--repo", "http://charts.example.com"}, "http://charts.example.com is not encrypted", cli.ExitDenied},
		"no URL":                {[]string{"x", "--repo", "charts.example.com"}, `"charts.example.com" is no Helm repository's URL`, cli.ExitError},
		"two versions":          {[]string{"oci://r.example.com/x:1.0.0", "--version", "2.0.0"}, "names a version, and --version 2.0.0 another", cli.ExitError},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, "", tt.args...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if code := cli.ExitCode(err); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
		})
	}
}

// TestPlaces renders one chart from a folder, an archive, a registry and a repository.
func TestPlaces(t *testing.T) {
	archive, _, version, err := testkit.PackChart("testdata/edge")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "any-name.tgz")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	kit, err := testkit.NewRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	registry, stop, err := kit.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	host := strings.TrimPrefix(registry, "http://")
	if err := testkit.PushChart(t.Context(), host+"/charts/edge", version, archive); err != nil {
		t.Fatal(err)
	}
	repo, stop, err := (&testkit.HelmRepo{Dir: "testdata"}).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	want, err := run(t, "prod", "shop", "testdata/edge")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{file},
		{"oci://" + host + "/charts/edge"},
		{"oci://" + host + "/charts/edge", "--version", "^1"},
		{"oci://" + host + "/charts/edge:1.2.3_build.4"},
		{"edge", "--repo", "oci://" + host + "/charts"},
		{"edge", "--repo", repo},
		{"edge", "--repo", repo, "--version", "~1.2"},
	} {
		got, err := run(t, "prod", append([]string{"shop"}, args...)...)
		if err != nil {
			t.Errorf("%v: %v", args, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", args, diff)
		}
	}
	_, err = run(t, "prod", "edge", "--repo", repo, "--version", "9")
	if model.KindOf(err) != model.ErrNotFound {
		t.Errorf("a version that is not there: %v", err)
	}
}
