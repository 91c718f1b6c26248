package kubeconfig

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/ci/idtoken"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/clitest"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// The token of a job: {"iss":"https://gitlab.example.com","sub":"job","aud":"dev"}, unsigned.
const jobToken = "e30.eyJpc3MiOiJodHRwczovL2dpdGxhYi5leGFtcGxlLmNvbSIsInN1YiI6ImpvYiIsImF1ZCI6ImRldiJ9.c2ln"

// run runs the command in an environment.
func run(t *testing.T, env map[string]string, args ...string) (*clitest.Kept, error) {
	t.Helper()
	k := clitest.Keep()
	cmd := NewCmdKubeconfig(k.Factory(), func(name string) string { return env[name] }, nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	return k, cmd.ExecuteContext(t.Context())
}

func ca(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

func TestWritten(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	dir := t.TempDir()
	caFile, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "new", "kubeconfig")
	if err := os.WriteFile(caFile, []byte(ca(srv)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, authority := range map[string]string{"from a file": caFile, "as text": ca(srv)} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"KUBE_SERVER": srv.URL, "KUBE_CA": authority, "KUBECONFIG": file, idtoken.DefaultVariable: jobToken}
			k, err := run(t, env, "--audience", "dev", "--check=false")
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(data)+k.Out.String()+k.Err.String(), jobToken) {
				t.Error("the token was written")
			}
			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("others may read it: %v, %v", info.Mode(), err)
			}
			cfg, err := clientcmd.RESTConfigFromKubeConfig(data)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Host != srv.URL || string(cfg.CAData) != ca(srv) || cfg.Insecure || cfg.BearerToken != "" {
				t.Errorf("it leads to %s, insecure %v", cfg.Host, cfg.Insecure)
			}
			want := "ci token --token-variable FAIRLEAD_ID_TOKEN --audience dev"
			if got := strings.Join(cfg.ExecProvider.Args, " "); got != want {
				t.Errorf("clients run %q, want %q", got, want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	good := map[string]string{"KUBE_SERVER": srv.URL, "KUBE_CA": ca(srv), "KUBECONFIG": file, idtoken.DefaultVariable: jobToken}
	for name, tt := range map[string]struct {
		variable, value string
		args            []string
		code            int
		says            string
	}{
		"no server":          {"KUBE_SERVER", "", nil, cli.ExitError, "which cluster?"},
		"plain HTTP":         {"KUBE_SERVER", "http://k8s.example.com", nil, cli.ExitError, "not https"},
		"a password":         {"KUBE_SERVER", "https://admin:secret@k8s.example.com", nil, cli.ExitError, "a URL with a password"},
		"no authority":       {"KUBE_CA", "", nil, cli.ExitError, "how is the cluster recognised?"},
		"an absent file":     {"KUBE_CA", "/nowhere/ca.pem", nil, cli.ExitError, "reading the cluster's certificate authority"},
		"a private key":      {"KUBE_CA", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", nil, cli.ExitError, "holds a PRIVATE KEY"},
		"no certificate":     {"KUBE_CA", "-----BEGIN nothing", nil, cli.ExitError, "holds no certificate"},
		"no file":            {"KUBECONFIG", "", nil, cli.ExitError, "which file?"},
		"several files":      {"KUBECONFIG", "a:b", nil, cli.ExitError, "names several files"},
		"no token":           {idtoken.DefaultVariable, "", nil, cli.ExitError, "has no ID token"},
		"another audience":   {"", "", []string{"--audience", "prod"}, cli.ExitDenied, `is for "dev", not for "prod"`},
		"arguments":          {"", "", []string{"x"}, cli.ExitError, "takes no arguments"},
		"a token of no name": {"", "", []string{"--token-variable", ""}, cli.ExitError, "--token-variable is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{tt.variable: tt.value}
			for k, v := range good {
				if k != tt.variable {
					env[k] = v
				}
			}
			_, err := run(t, env, append([]string{"--check=false"}, tt.args...)...)
			if cli.ExitCode(err) != tt.code || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("exit code %d: %v; want %d: %s", cli.ExitCode(err), err, tt.code, tt.says)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("a file was written")
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

// TestCheckTellsWhy: a server that refuses the token does not say why; the token's claims do.
func TestCheckTellsWhy(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}`))
	}))
	defer srv.Close()
	c, err := cli.Connect(cli.Kubeconfigs{Explicit: kubeconfigOf(t, srv)}, "test", clitest.Keep().Streams.Err)
	if err != nil {
		t.Fatal(err)
	}
	source := idtoken.Source{Env: func(string) string { return jobToken }}
	o := &Options{IO: clitest.Keep().Streams, Server: srv.URL, Connect: func(string) (*cli.Cluster, error) { return c, nil }}
	token, err := source.Get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	err = o.check(t.Context(), token)
	if model.ReasonOf(err, "") != "TokenRefused" || !strings.Contains(err.Error(), `issuer "https://gitlab.example.com", audience "dev", subject "job"`) {
		t.Errorf("%v", err)
	}
}

// kubeconfigOf is one without credentials.
func kubeconfigOf(t *testing.T, srv *httptest.Server) string {
	t.Helper()
	o := &Options{Server: srv.URL, CA: ca(srv), Self: func() (string, error) { return "/bin/false", nil }}
	data, err := o.render()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg.AuthInfos = nil
	cfg.Contexts[cfg.CurrentContext].AuthInfo = ""
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		t.Fatal(err)
	}
	return file
}
