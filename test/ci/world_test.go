package ci

import (
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/imagebuild"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

const (
	project     = "shop/flask-app"
	runnerImage = "registry.example.com/shop/ci-runner@sha256:abababababababababababababababababababababababababababababababab"
)

var environments = []string{"dev", "staging", "prod"}

// world is everything that a pipeline needs.
type world struct {
	t        *testing.T
	gitlab   *issuer
	github   *issuer
	registry *registry
	cluster  *testkit.Cluster
	client   kubernetes.Interface
	runner   *runner
	ca       string            // the cluster's
	bin      string            // folder with the program
	tokens   map[string]string // of each environment's jobs
	settings map[string]any    // other variables
	asked    atomic.Int32      // how often the application's site was

	authentication map[string]any // the API server's configuration
}

// newWorld makes a repository of the reference application with a pipeline, and what it talks to.
func newWorld(t *testing.T) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("builds an image and starts a cluster")
	}
	if ok, why := imagebuild.CanBuild(true); !ok {
		t.Skip(why)
	}
	for _, tool := range []string{"npm", "node", "rsync", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v (apt-get install %s)", err, strings.Replace(tool, "node", "nodejs", 1))
		}
	}
	if out, err := exec.Command("python3", "-c", "import flask").CombinedOutput(); err != nil {
		t.Skipf("the application's tests need Flask (apt-get install python3-flask): %s", out)
	}
	w := &world{t: t, bin: t.TempDir(), gitlab: newIssuer(t, ""), github: newIssuer(t, "/_services/token"), registry: newRegistry(t), tokens: map[string]string{}}
	w.build("github.com/fairlead-cd/fairlead/cmd/fairlead")
	w.build("helm.sh/helm/v4/cmd/helm")
	w.runner = &runner{program: installRunner(t), repo: filepath.Join(t.TempDir(), "flask-app"), home: t.TempDir()}
	w.repository()
	w.start()
	w.variables()
	w.environment()
	return w
}

// build compiles a program into the folder that jobs find programs in.
func (w *world) build(pkg string) {
	w.t.Helper()
	out, err := exec.CommandContext(w.t.Context(), "go", "build", "-o", filepath.Join(w.bin, path.Base(pkg)), pkg).CombinedOutput()
	if err != nil {
		w.t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
}

// repository makes one as someone has it who asks for a pipeline: the application and its chart.
func (w *world) repository() {
	w.t.Helper()
	repo := w.runner.repo
	for from, to := range map[string]string{"../../examples/flask-app": "app", "../../charts/flask-app": "charts/flask-app"} {
		if err := os.CopyFS(filepath.Join(repo, to), os.DirFS(from)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("init", "--quiet", "--initial-branch", "main")
	w.git("remote", "add", "origin", "https://gitlab.example.com/"+project+".git")
	w.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	// GitHub's first: the page and the rest of ci/ are those of the last one.
	w.fairlead("ci", "init", "github", "--dir", repo, "--host", w.github.host(), "--runner-image", runnerImage,
		"--registry", w.registry.host+"/"+project+"/github", "--environments", "dev", "--namespace-of", "dev=github-dev",
		"--url", "dev="+w.site(), "--health-path", "/ready")
	w.trust(w.github)
	w.fairlead("ci", "init", "gitlab", "--dir", repo, "--host", w.gitlab.host(), "--runner-image", runnerImage)
	w.trust(w.gitlab)
	w.commit("The application, its chart and its pipeline")
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = w.runner.repo
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits everything and gives the commit.
func (w *world) commit(message string) string {
	w.t.Helper()
	w.git("add", "--all")
	w.git("commit", "--quiet", "--message", message)
	w.git("update-ref", "refs/remotes/origin/main", "HEAD")
	return w.git("rev-parse", "HEAD")
}

func (w *world) fairlead(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), filepath.Join(w.bin, "fairlead"), args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("fairlead %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// trust adds what the repository's ci/authentication.yaml says to the API server's configuration.
func (w *world) trust(i *issuer) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.runner.repo, "ci", "authentication.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(data, &config); err != nil {
		w.t.Fatal(err)
	}
	jwt := config["jwt"].([]any)
	// The stand-in's certificate is of no authority that machines know.
	jwt[0].(map[string]any)["issuer"].(map[string]any)["certificateAuthority"] = authority(i.server)
	if w.authentication != nil {
		config["jwt"] = append(w.authentication["jwt"].([]any), jwt...)
	}
	w.authentication = config
}

// site is where the application is said to answer: the node is simulated, so it does not.
func (w *world) site() string {
	w.t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		if r.URL.Path != "/ready" {
			http.NotFound(rw, r)
		}
	}))
	w.t.Cleanup(s.Close)
	return s.URL
}

// start starts the cluster.
func (w *world) start() {
	w.t.Helper()
	data, err := yaml.Marshal(w.authentication)
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.bin, "authentication.yaml")
	writeFile(w.t, file, string(data))
	w.cluster, err = testkit.StartCluster(w.t.Context(), testkit.ClusterOptions{
		Args: []string{"--authentication-config", file, "--registry-mirror", w.registry.host + "=" + w.registry.mirror},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.cluster.Stop)
	cfg, err := clientcmd.BuildConfigFromFlags("", w.cluster.Kubeconfig)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.client, err = kubernetes.NewForConfig(cfg); err != nil {
		w.t.Fatal(err)
	}
}

// variables are the project's settings and what GitLab adds to them for each job.
func (w *world) variables() {
	w.t.Helper()
	cfg, err := clientcmd.LoadFromFile(w.cluster.Kubeconfig)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range cfg.Clusters {
		w.ca = string(c.CertificateAuthorityData)
	}
	if w.ca == "" {
		w.t.Fatal("the kubeconfig holds no certificate authority")
	}
	caFile := filepath.Join(w.runner.home, "ca.pem")
	writeFile(w.t, caFile, w.ca)
	for _, e := range environments {
		w.tokens[e] = w.gitlab.gitlab(w.t, e, nil)
	}
	w.settings = map[string]any{
		"CI_REGISTRY": w.registry.host, "CI_REGISTRY_IMAGE": w.registry.host + "/" + project,
		"CI_REGISTRY_USER": registryUser, "CI_REGISTRY_PASSWORD": registryPassword,
		"CI_COMMIT_REF_PROTECTED": "true", "GITLAB_CI": "true",
		"BASE_IMAGE":  w.registry.base(w.t),
		"KUBE_SERVER": w.cluster.Server,
		// A file's name as GitLab's file variables are; of type file, gitlab-ci-local leaves a copy in /tmp.
		"KUBE_CA": map[string]any{"type": "variable", "values": map[string]string{"*": caFile}},
	}
	w.setVariables(w.t, w.tokens)
}

// setVariables gives each environment's jobs a token of their own, as id_tokens does.
func (w *world) setVariables(t *testing.T, tokens map[string]string) {
	t.Helper()
	all := maps.Clone(w.settings)
	all["FAIRLEAD_ID_TOKEN"] = map[string]any{"type": "variable", "values": tokens}
	data, err := yaml.Marshal(map[string]any{"global": all})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(w.runner.home, ".gitlab-ci-local", "variables.yml"), string(data))
}

// withTokens is setVariables for one test.
func (w *world) withTokens(t *testing.T, tokens map[string]string) {
	t.Helper()
	w.setVariables(t, tokens)
	t.Cleanup(func() { w.setVariables(t, w.tokens) })
}

// walkFiles reads every file of a tree.
func walkFiles(tree fs.FS, read func(name, text string)) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		if err == nil {
			read(name, string(data))
		}
		return err
	})
}

// environment is that of a runner: nothing of whoever runs the test is in it.
func (w *world) environment() {
	w.t.Helper()
	storage, driver := w.t.TempDir(), w.registry.driver(w.t)
	writeFile(w.t, filepath.Join(w.runner.home, ".config/containers/policy.json"), `{"default":[{"type":"insecureAcceptAnything"}]}`)
	writeFile(w.t, filepath.Join(w.runner.home, "storage.conf"),
		"[storage]\ndriver = \""+driver+"\"\ngraphroot = \""+storage+"/root\"\nrunroot = \""+storage+"/run\"\n")
	writeFile(w.t, filepath.Join(w.runner.home, "registries.conf"), "unqualified-search-registries = []\n")
	writeFile(w.t, filepath.Join(w.runner.home, "containers.conf"), "")
	ca := filepath.Join(w.runner.home, "registry-ca.pem")
	writeFile(w.t, ca, authority(w.registry.server))
	w.runner.env = []string{
		"PATH=" + w.bin + ":" + os.Getenv("PATH"), "HOME=" + w.runner.home, "LANG=C.UTF-8", "CI=true",
		"SSL_CERT_FILE=" + ca, "BUILDAH_ISOLATION=chroot", "STORAGE_DRIVER=" + driver,
		"CONTAINERS_STORAGE_CONF=" + filepath.Join(w.runner.home, "storage.conf"),
		"CONTAINERS_REGISTRIES_CONF=" + filepath.Join(w.runner.home, "registries.conf"),
		"CONTAINERS_CONF=" + filepath.Join(w.runner.home, "containers.conf"),
		"FAIRLEAD_HOME=" + filepath.Join(w.runner.home, "fairlead"),
	}
}
