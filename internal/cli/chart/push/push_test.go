package push_test

import (
	"bytes"
	"crypto/subtle"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/packagecmd"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/pull"
	"github.com/fairlead-cd/fairlead/internal/cli/chart/push"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/registry"
	"github.com/fairlead-cd/fairlead/internal/testkit"

	"context"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const chart = "../../template/testdata/edge"

// machine is one with a Docker configuration, on which commands run.
type machine struct {
	t      *testing.T
	home   string
	config string
}

func newMachine(t *testing.T) *machine {
	home := t.TempDir()
	return &machine{t: t, home: home, config: filepath.Join(home, "docker.json")}
}

func (m *machine) charts() (*open.Charts, error) {
	return open.New(open.Options{Credential: func(ctx context.Context, host string) (*model.Auth, error) {
		return registry.DockerCredential(ctx, []string{m.config}, host)
	}}), nil
}

// run runs "package", "push" or "pull".
func (m *machine) run(stdin, command string, args ...string) (out, talk string, err error) {
	m.t.Helper()
	k := clitest.Keep()
	k.Streams.In = strings.NewReader(stdin)
	f := k.Factory()
	cmd := map[string]func() *cobra.Command{
		"package": func() *cobra.Command { return packagecmd.NewCmdPackage(f, m.charts, nil) },
		"push":    func() *cobra.Command { return push.NewCmdPush(f, m.charts, nil) },
		"pull":    func() *cobra.Command { return pull.NewCmdPull(f, m.charts, nil) },
	}[command]()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(m.t.Context())
	return strings.TrimSpace(k.Out.String()), k.Err.String(), err
}

func (m *machine) must(stdin, command string, args ...string) string {
	m.t.Helper()
	out, talk, err := m.run(stdin, command, args...)
	if err != nil {
		m.t.Fatalf("%s %v: %v\n%s", command, args, err, talk)
	}
	return out
}

// helm runs the real one.
func (m *machine) helm(args ...string) string {
	m.t.Helper()
	bin, err := testkit.HelmBinary()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = m.home
	cmd.Env = []string{"HOME=" + m.home, "PATH=" + os.Getenv("PATH"), "HELM_REGISTRY_CONFIG=" + m.config}
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("helm %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func startRegistry(t *testing.T) string {
	t.Helper()
	kit, err := testkit.NewRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := kit.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return "oci://" + strings.TrimPrefix(url, "http://") + "/charts"
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestWithHelm: what one of the two packs or pushes, the other pulls and reads.
func TestWithHelm(t *testing.T) {
	m := newMachine(t)
	to := startRegistry(t)
	ours := m.must("", "package", chart, "-d", filepath.Join(m.home, "ours"))
	if filepath.Base(ours) != "edge-1.2.3+build.4.tgz" {
		t.Errorf("packed %s", ours)
	}
	if said := m.helm("show", "chart", ours); !strings.Contains(said, "version: 1.2.3+build.4") {
		t.Errorf("helm shows %s", said)
	}
	m.helm("lint", ours)

	pushed := m.must("", "push", ours, to)
	if !strings.HasPrefix(pushed, to+"/edge:1.2.3_build.4@sha256:") {
		t.Errorf("pushed %s", pushed)
	}
	m.helm("pull", to+"/edge", "--version", "1.2.3+build.4", "--plain-http", "-d", filepath.Join(m.home))
	if !bytes.Equal(read(t, filepath.Join(m.home, "edge-1.2.3+build.4.tgz")), read(t, ours)) {
		t.Error("helm pulled other bytes")
	}
	want := m.helm("template", "shop", ours, "--kube-version", "v1.36.3")
	if got := m.helm("template", "shop", to+"/edge", "--version", "1.2.3+build.4", "--plain-http", "--kube-version", "v1.36.3"); !strings.Contains(got, want) {
		t.Errorf("helm renders %s", got)
	}

	// The other way round, under another name.
	theirs := filepath.Join(m.home, "theirs")
	abs, err := filepath.Abs(chart)
	if err != nil {
		t.Fatal(err)
	}
	m.helm("package", abs, "-d", theirs, "--version", "3.0.0")
	m.helm("push", filepath.Join(theirs, "edge-3.0.0.tgz"), to, "--plain-http")
	got := m.must("", "pull", to+"/edge", "--version", "^3", "-d", m.home)
	if !bytes.Equal(read(t, got), read(t, filepath.Join(theirs, "edge-3.0.0.tgz"))) {
		t.Error("other bytes were pulled than helm pushed")
	}
	folder := m.must("", "pull", to+"/edge", "--version", "3.0.0", "--untar", "-d", filepath.Join(m.home, "vendor"))
	if text := read(t, filepath.Join(folder, "templates", "hooks.yaml")); !bytes.Equal(text, read(t, filepath.Join(chart, "templates", "hooks.yaml"))) {
		t.Error("the unpacked chart differs")
	}
	if _, _, err := m.run("", "pull", to+"/edge", "--version", "3.0.0", "--untar", "-d", filepath.Join(m.home, "vendor")); cli.ExitCode(err) != cli.ExitConflict {
		t.Errorf("unpacking over a folder: %v", err)
	}
}

// TestPushTwice: a version stays what it is.
func TestPushTwice(t *testing.T) {
	m := newMachine(t)
	to := startRegistry(t)
	first := m.must("", "push", chart, to, "--version", "1.0.0")
	again, talk, err := m.run("", "push", chart, to, "--version", "1.0.0")
	if err != nil || again != first || !strings.HasPrefix(talk, "unchanged") {
		t.Errorf("the same again: %q, %q, %v", again, talk, err)
	}
	_, _, err = m.run("", "push", chart, to, "--version", "1.0.0", "--app-version", "other")
	if cli.ExitCode(err) != cli.ExitConflict || !strings.Contains(err.Error(), "is there already, with other content") {
		t.Errorf("another chart as the same version: %v", err)
	}
	if forced := m.must("", "push", chart, to, "--version", "1.0.0", "--app-version", "other", "--force"); forced == first {
		t.Error("--force changed nothing")
	}
	if out := m.must("", "push", chart, to, "--version", "1.1.0", "-o", "jsonpath={.reference} {.changed}"); out != to+"/edge:1.1.0 true" {
		t.Errorf("got %s", out)
	}
}

// guarded is a registry behind TLS that wants a password.
func guarded(t *testing.T) (host, ca string) {
	t.Helper()
	kit, err := testkit.NewRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(user+":"+password), []byte("ci:hunter2")) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		kit.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(srv.URL, "https://"), ca
}

func TestCredentials(t *testing.T) {
	m := newMachine(t)
	host, ca := guarded(t)
	to := "oci://" + host + "/charts"
	_, _, err := m.run("", "push", chart, to)
	if cli.ExitCode(err) != cli.ExitDenied {
		t.Errorf("an unknown CA: %v", err)
	}
	_, _, err = m.run("", "push", chart, to, "--ca-file", ca)
	if cli.ExitCode(err) != cli.ExitDenied || !strings.Contains(err.Error(), "401") {
		t.Errorf("no password: %v", err)
	}
	_, _, err = m.run("wrong-secret", "push", chart, to, "--ca-file", ca, "--username", "ci", "--password-stdin")
	if cli.ExitCode(err) != cli.ExitDenied || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("a wrong password: %v", err)
	}
	m.must("hunter2\n", "push", chart, to, "--ca-file", ca, "--username", "ci", "--password-stdin")
	if err := os.WriteFile(m.config, []byte(`{"auths":{"`+host+`":{"auth":"Y2k6aHVudGVyMg=="}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m.must("", "pull", to+"/edge", "--version", "1.2.3+build.4", "--ca-file", ca, "-d", m.home)
	m.helm("pull", to+"/edge", "--version", "1.2.3+build.4", "--ca-file", ca, "-d", t.TempDir())
}

func TestBadInput(t *testing.T) {
	m := newMachine(t)
	to := startRegistry(t)
	for name, tt := range map[string]struct {
		command string
		args    []string
		want    string
	}{
		"no registry":        {"push", []string{chart, "registry.example.com/charts"}, `"registry.example.com/charts" is no registry`},
		"no chart":           {"push", []string{"nowhere", to}, `there is no chart at "nowhere"`},
		"no such chart":      {"pull", []string{to + "/none", "--version", "1.0.0"}, "404"},
		"nowhere to pull":    {"pull", []string{"edge"}, "says nowhere to pull from"},
		"packing an archive": {"package", []string{"push_test.go"}, `"push_test.go" is no folder of a chart`},
	} {
		if _, _, err := m.run("", tt.command, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestUpdate fetches a dependency into the archive.
func TestUpdate(t *testing.T) {
	m := newMachine(t)
	to := startRegistry(t)
	m.must("", "push", chart, to, "--version", "1.4.0")
	m.must("", "push", chart, to, "--version", "2.0.0")
	dir := filepath.Join(m.home, "parent")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- {name: edge, version: 1.x, repository: '" + to + "'}\n"
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.run("", "package", dir, "-d", m.home); err == nil || !strings.Contains(err.Error(), "it is not in charts/") {
		t.Errorf("without -u: %v", err)
	}
	packed := m.must("", "package", dir, "-d", m.home, "-u")
	if said := m.helm("show", "all", packed); !strings.Contains(said, "parent") {
		t.Errorf("helm shows %s", said)
	}
	if said := m.helm("template", "x", packed); !strings.Contains(said, "parent/charts/edge/templates/a.yaml") {
		t.Errorf("the dependency is not in it: %s", said)
	}
}

// TestRepository pulls from a Helm repository that wants a password.
func TestRepository(t *testing.T) {
	m := newMachine(t)
	repo := &testkit.HelmRepo{Dir: filepath.Join(m.home, "repo"), Username: "ci", Password: "hunter2"}
	for _, version := range []string{"1.4.0", "1.5.0", "2.0.0-rc.1"} {
		m.must("", "package", chart, "-d", repo.Dir, "--version", version)
	}
	url, stop, err := repo.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if _, _, err := m.run("", "pull", "edge", "--repo", url); cli.ExitCode(err) != cli.ExitDenied {
		t.Errorf("without a password: %v", err)
	}
	for want, args := range map[string][]string{"1.5.0": nil, "1.4.0": {"--version", "~1.4"}, "2.0.0-rc.1": {"--devel"}} {
		args = append([]string{"edge", "--repo", url, "--username", "ci", "--password-stdin", "-d", m.home}, args...)
		if got := m.must("hunter2", "pull", args...); filepath.Base(got) != "edge-"+want+".tgz" {
			t.Errorf("%v: got %s", args, got)
		}
	}
	m.helm("pull", "edge", "--repo", url, "--username", "ci", "--password", "hunter2", "--version", "1.5.0", "-d", t.TempDir())
}
