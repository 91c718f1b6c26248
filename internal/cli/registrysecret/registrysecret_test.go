package registrysecret_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/cli/registrysecret"
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var cluster testkit.SharedCluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

const password = "pull-me-4711"

// lab runs the command against the test cluster.
type lab struct {
	t *testing.T
	*cli.Cluster
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t}
	l.Cluster = l.connect(io.Discard, 0)
	_, err := l.Typed.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "pull"}}, metav1.CreateOptions{})
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		t.Fatal(err)
	}
	return l
}

func (l *lab) connect(w io.Writer, verbosity int) *cli.Cluster {
	l.t.Helper()
	c, err := cli.Connect(cli.Kubeconfigs{Explicit: cluster.Get(l.t).Kubeconfig, Verbosity: verbosity}, "fairlead-test", w)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

type result struct {
	code     int
	out, err string
}

// run runs the command with -v, and fails the test where the password can be seen.
func (l *lab) run(input string, args ...string) result {
	l.t.Helper()
	var out, errOut bytes.Buffer
	streams := output.NewBuffers(&out, &errOut, output.Env{})
	streams.In = strings.NewReader(input)
	f := &cli.Factory{IO: streams, Now: time.Now}
	f.Global.Namespace = "pull"
	f.Cluster = func() (*cli.Cluster, error) { return l.connect(streams.Err, 2), nil }
	root := &cobra.Command{Use: "fairlead", SilenceErrors: true, SilenceUsage: true}
	root.AddGroup(&cobra.Group{ID: cli.GroupDeploy})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &cli.UsageError{Command: cmd.CommandPath(), Err: err}
	})
	root.AddCommand(registrysecret.NewCmdRegistrySecret(f, nil))
	root.SetArgs(append([]string{"registry-secret"}, args...))
	code := cli.Report(streams, root.ExecuteContext(context.WithoutCancel(l.t.Context())))
	r := result{code, out.String(), errOut.String()}
	for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte(password))} { // as it is, and in Base64
		if strings.Contains(r.out+r.err, secret) {
			l.t.Fatalf("%q shows the password:\n%s%s", args, r.out, r.err)
		}
	}
	return r
}

func (l *lab) secret(name string) *corev1.Secret {
	l.t.Helper()
	s, err := l.Typed.CoreV1().Secrets("pull").Get(l.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *lab) want(r result, code int, texts ...string) {
	l.t.Helper()
	for _, s := range texts {
		if !strings.Contains(r.out+r.err, s) {
			l.t.Errorf("%q is not in:\n%s%s", s, r.out, r.err)
		}
	}
	if r.code != code {
		l.t.Errorf("exit code %d, want %d:\n%s%s", r.code, code, r.out, r.err)
	}
}

func TestCreateUpdateUnchanged(t *testing.T) {
	l := newLab(t)
	flags := []string{"pull", "--server", "registry.example.com", "--username", "bot", "--password-stdin"}
	l.want(l.run(password+"\n", append(flags, "--dry-run")...), 0, "created", "nothing was written")
	l.want(l.run(password+"\n", flags...), 0, "Secret pull/pull created: logs in to registry.example.com", "imagePullSecrets: [{name: pull}]")
	first := l.secret("pull")
	if first.Type != corev1.SecretTypeDockerConfigJson {
		t.Fatal(first.Type)
	}
	if m := first.ManagedFields; len(m) != 1 || m[0].Manager != "fairlead-registry-secret" || m[0].Operation != metav1.ManagedFieldsOperationApply {
		t.Errorf("managed fields: %+v", m)
	}

	r := l.run(password, flags...)
	l.want(r, 0, "unchanged")
	if strings.Contains(r.err, "PATCH") || l.secret("pull").ResourceVersion != first.ResourceVersion {
		t.Errorf("the same again is written: %s", r.err)
	}

	l.want(l.run("another", flags...), 0, "updated")
	l.want(l.run(password, append(flags, "--add", "--server", "quay.io")...), 0, "updated: logs in to quay.io, registry.example.com")
	r = l.run(password, append(flags, "--add", "--server", "quay.io", "-o", "json")...)
	l.want(r, 0)
	var doc struct {
		Action  string
		Servers []string
	}
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || doc.Action != "unchanged" || len(doc.Servers) != 2 {
		t.Errorf("%v: %s", err, r.out)
	}
	r = l.run(password, append(flags, "-o", "name")...)
	if l.want(r, 0); r.out != "secret/pull\n" {
		t.Error(r.out)
	}
	l.want(l.run(password, flags...), 0, "unchanged: logs in to registry.example.com\n") // without --add it holds the one
}

// What kubectl made is understood and taken over; what it made of the same credentials is not written.
func TestTakesOver(t *testing.T) {
	l := newLab(t)
	kubectl := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kubectl"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"quay.io":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("bot:"+password)) + `"}}}`)}}
	if _, err := l.Typed.CoreV1().Secrets("pull").Create(t.Context(), kubectl, metav1.CreateOptions{FieldManager: "kubectl"}); err != nil {
		t.Fatal(err)
	}
	flags := []string{"kubectl", "--server", "https://quay.io", "--username", "bot", "--password-stdin"}
	l.want(l.run(password, flags...), 0, "unchanged")
	l.want(l.run("another", flags...), 0, "updated")
}

func TestRefuses(t *testing.T) {
	l := newLab(t)
	yes := true
	for _, s := range []*corev1.Secret{
		{ObjectMeta: metav1.ObjectMeta{Name: "opaque"}, StringData: map[string]string{"a": "b"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "kept", OwnerReferences: []metav1.OwnerReference{{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: "pull", UID: "1", Controller: &yes}}},
			Type: corev1.SecretTypeDockerConfigJson, StringData: map[string]string{corev1.DockerConfigJsonKey: "{}"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "fixed"}, Immutable: &yes, Type: corev1.SecretTypeDockerConfigJson, StringData: map[string]string{corev1.DockerConfigJsonKey: "{}"}},
	} {
		if _, err := l.Typed.CoreV1().Secrets("pull").Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	login := []string{"--server", "quay.io", "--username", "bot", "--password-stdin"}
	with := func(name string, more ...string) []string { return append(append([]string{name}, login...), more...) }
	l.want(l.run(password, with("opaque")...), 5, "type Opaque", "choose another name")
	l.want(l.run(password, with("kept")...), 5, "ExternalSecret/pull keeps this Secret")
	l.want(l.run(password, with("fixed")...), 5, "immutable")
	if got := l.secret("opaque"); string(got.Data["a"]) != "b" || len(got.Data) != 1 {
		t.Error("the other Secret was changed")
	}
	l.want(l.run(password, with("x", "-p", password)...), 2, "--password-stdin", "seen by every process")
	l.want(l.run(password, with("x", "--password="+password)...), 2, "--password-stdin")
	l.want(l.run(password, with("x", "-p"+password)...), 2, "--password-stdin")
	l.want(l.run(password, with("x", password)...), 2, "got 2 arguments")
	l.want(l.run("\n", with("x")...), 2, "the input is empty")
	l.want(l.run(password, with("X")...), 2, "no name of a Secret")
	l.want(l.run(password, with("x", "--username", "a:b")...), 2, "colon")
	l.want(l.run(password, with("x", "--server", "https://bot:"+password+"@quay.io")...), 2, "without credentials")
	l.want(l.run(password, "x", "--server", "quay.io", "--username", "bot"), 2, "--password-stdin is missing")
	l.want(l.run(password, "x", "--server", "quay.io", "--username", "", "--password-stdin"), 2, "--username is missing (or empty)")
}

// A client that reads the Secret as Docker's configuration logs in with it: to Docker Hub too, whatever
// name it was given.
func TestClientsUnderstandIt(t *testing.T) {
	l := newLab(t)
	for server, image := range map[string]string{
		"docker.io":                      "library/nginx",
		"registry.example.com:5000":      "registry.example.com:5000/shop",
		"https://quay.io/":               "quay.io/shop/web",
		"https://index.docker.io/v1/":    "docker.io/shop/web",
		"http://insecure.example.com/v2": "insecure.example.com/shop",
	} {
		l.want(l.run(password, "clients", "--add", "--server", server, "--username", "bot", "--password-stdin"), 0)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config.json"), l.secret("clients").Data[corev1.DockerConfigJsonKey], 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("DOCKER_CONFIG", dir)
		ref, err := name.ParseReference(image)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(server, "/v2") {
			continue // a path is for a part of a registry: kubelets match it, this client looks for hosts
		}
		auth, err := authn.DefaultKeychain.Resolve(ref.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := auth.Authorization()
		if err != nil || got.Username != "bot" || got.Password != password {
			t.Errorf("%s: the client finds no login for %s (%v)", server, image, err)
		}
	}
}
