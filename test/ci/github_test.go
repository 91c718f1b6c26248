package ci

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// workflow is as much of a workflow as its jobs' commands need.
type workflow struct {
	Env  map[string]string `json:"env"`
	Jobs map[string]*job   `json:"jobs"`
}

type job struct {
	Needs       []string              `json:"needs"`
	Env         map[string]string     `json:"env"`
	Permissions map[string]string     `json:"permissions"`
	Environment struct{ Name string } `json:"environment"`
	Outputs     map[string]string     `json:"outputs"`
	Steps       []struct {
		ID   string            `json:"id"`
		Uses string            `json:"uses"`
		Run  string            `json:"run"`
		Env  map[string]string `json:"env"`
	} `json:"steps"`
}

// onGitHub runs the commands of the workflow's jobs in their order, each job in a checkout of its
// own. There is no program that stands in for GitHub without containers, so this is: expressions,
// outputs, and the address that gives ID tokens away.
func (w *world) onGitHub(t *testing.T) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "github-dev"}}
	if _, err := w.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.apply(w.fairlead("chart", "rbac", filepath.Join(w.runner.repo, "charts", "flask-app"), "--release", "flask-app", "-n", "github-dev",
		"-f", filepath.Join(w.runner.repo, "charts", "flask-app", "values-dev.yaml"), "--user", "github:"+project+":dev"))
	data, err := os.ReadFile(filepath.Join(w.runner.repo, ".github", "workflows", "deliver.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var flow workflow
	if err := yaml.Unmarshal(data, &flow); err != nil {
		t.Fatal(err)
	}
	g := &github{world: w, flow: &flow, known: map[string]string{
		"github.token": "of-the-job", "github.actor": "someone", "vars.REGISTRY_USER": registryUser, "secrets.REGISTRY_PASSWORD": registryPassword,
		"vars.KUBE_SERVER": w.cluster.Server, "vars.KUBE_CA": w.ca, "vars.BASE_IMAGE": w.settings["BASE_IMAGE"].(string),
	}}
	var done []string
	for len(done) < len(flow.Jobs) {
		before := len(done)
		for name, j := range flow.Jobs {
			ready := !slices.ContainsFunc(j.Needs, func(n string) bool { return !slices.Contains(done, n) })
			if ready && !slices.Contains(done, name) {
				g.run(t, name, j)
				done = append(done, name)
			}
		}
		if len(done) == before {
			t.Fatalf("after %v no other job can run", done)
		}
	}
	d, err := w.client.AppsV1().Deployments("github-dev").Get(t.Context(), "flask-app", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := w.registry.host + "/" + project + "/github/flask-app@" + g.known["needs.build.outputs.digest"]
	if got := d.Spec.Template.Spec.Containers[0].Image; got != want {
		t.Errorf("it runs %s, want %s", got, want)
	}
	if w.asked.Load() == 0 {
		t.Error("nobody asked whether the application answers")
	}
}

// github runs jobs.
type github struct {
	*world
	flow  *workflow
	known map[string]string // what expressions refer to
}

var expression = regexp.MustCompile(`\$\{\{ *([A-Za-z0-9_.-]+) *\}\}`)

func (g *github) expand(t *testing.T, text string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(m string) string {
		name := expression.FindStringSubmatch(m)[1]
		value, ok := g.known[name]
		if !ok {
			t.Fatalf("nothing gives %s", name)
		}
		return value
	})
}

func (g *github) run(t *testing.T, name string, j *job) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workspace")
	outputs := filepath.Join(t.TempDir(), "outputs")
	writeFile(t, outputs, "")
	env := append(slices.Clone(g.runner.env), "GITHUB_ACTIONS=true", "GITHUB_SHA="+g.git("rev-parse", "HEAD"), "GITHUB_REPOSITORY="+project,
		"GITHUB_SERVER_URL=https://github.example.com", "GITHUB_OUTPUT="+outputs, "GITHUB_STEP_SUMMARY="+filepath.Join(t.TempDir(), "summary.md"))
	if j.Permissions["id-token"] == "write" {
		env = append(env, "ACTIONS_ID_TOKEN_REQUEST_URL="+g.tokens(t, j.Environment.Name)+"/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=of-the-runner")
	}
	for _, vars := range []map[string]string{g.flow.Env, j.Env} {
		for k, v := range vars {
			env = append(env, k+"="+g.expand(t, v))
		}
	}
	for _, s := range j.Steps {
		if strings.HasPrefix(s.Uses, "actions/checkout@") {
			g.git("clone", "--quiet", g.runner.repo, dir)
		}
		if s.Run == "" {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", g.expand(t, s.Run))
		cmd.Dir, cmd.Env = dir, slices.Clone(env)
		for k, v := range s.Env {
			cmd.Env = append(cmd.Env, k+"="+g.expand(t, v))
		}
		out, err := cmd.CombinedOutput()
		t.Logf("%s: %v\n%s", name, err, out)
		if err != nil {
			t.Fatalf("%s failed", name)
		}
		g.take(t, "steps."+s.ID+".outputs.", outputs)
	}
	for k, v := range j.Outputs {
		g.known["needs."+name+".outputs."+k] = g.expand(t, v)
	}
}

// take reads what a step put into its outputs.
func (g *github) take(t *testing.T, prefix, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			g.known[prefix+k] = v
		}
	}
}

// tokens is the address that gives a job its ID tokens.
func (g *github) tokens(t *testing.T, environment string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer of-the-runner" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{ // whoever asked is gone
			"value": g.github.github(t, environment, r.URL.Query().Get("audience")),
		})
	}))
	t.Cleanup(s.Close)
	return s.URL
}
