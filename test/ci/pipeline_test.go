package ci

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPipeline takes commits from the repository to production.
func TestPipeline(t *testing.T) {
	w := newWorld(t)
	w.access()
	w.platform()

	// GitLab's schema accepts it, and production waits for a person.
	if list := w.runner.want(t, true, "--list"); !regexp.MustCompile(`(?m)^deploy-prod .* manual +false`).MatchString(list) {
		t.Error("production waits for nobody")
	}

	first := w.git("rev-parse", "HEAD")
	log := w.runner.want(t, true)
	has(t, log, "PASS  test", "PASS  secrets", "PASS  pipeline", "PASS  build", "PASS  chart", "PASS  deploy-dev", "PASS  deploy-staging",
		"this job is gitlab:"+project+":dev", "this job is gitlab:"+project+":staging")
	w.deployed(t, "dev", first)
	w.deployed(t, "staging", first)
	if got := w.image(t, "prod"); got != "" {
		t.Errorf("production runs %s, and nobody approved it", got)
	}
	w.runner.want(t, true, "deploy-prod")
	w.deployed(t, "prod", first)
	for _, e := range environments {
		if diff := cmp.Diff([]string{"flask-app 1 deployed"}, w.helmList(t, e)); diff != "" {
			t.Errorf("helm list in %s (-want +got):\n%s", e, diff)
		}
	}
	w.secretsStaySecret(t, log)
	w.reported(t, "chart", "chart.xml", "<testsuite")
	w.reported(t, "deploy-staging", "deploy.xml", "Deployment/flask-app")

	t.Run("a commit that cannot start", w.broken)
	t.Run("the same on GitHub", w.onGitHub)
	t.Run("a job of another environment", w.otherEnvironment)
	t.Run("a branch that is not protected", w.unprotected)
	t.Run("a secret in a commit", w.leak)
}

// deployed checks that an environment runs the image that was built of a commit.
func (w *world) deployed(t *testing.T, environment, commit string) {
	t.Helper()
	image := w.image(t, environment)
	want := w.registry.host + "/" + project + "/flask-app@" + w.registry.digest(t, commit)
	if image != want {
		t.Errorf("%s runs %q, want %q of commit %s", environment, image, want, commit)
	}
}

// reported checks a report that a job leaves for GitLab.
func (w *world) reported(t *testing.T, job, file, word string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.runner.repo, ".gitlab-ci-local", "artifacts", job, file))
	if err != nil {
		t.Error(err)
		return
	}
	var report struct {
		XMLName xml.Name
	}
	if err := xml.Unmarshal(data, &report); err != nil || !strings.Contains(string(data), word) {
		t.Errorf("the report of %s does not say %q: %v\n%s", job, word, err, data)
	}
}

// secretsStaySecret: neither the log nor what jobs leave behind holds a token or a password.
func (w *world) secretsStaySecret(t *testing.T, log string) {
	t.Helper()
	secrets := map[string]string{"the registry's password": registryPassword}
	for e, token := range w.tokens {
		secrets["the token of "+e] = token
	}
	hasNot(t, log, secrets)
	left := os.DirFS(filepath.Join(w.runner.repo, ".gitlab-ci-local", "artifacts"))
	err := walkFiles(left, func(name, text string) {
		for what, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("artifact %s holds %s", name, what)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// broken: a release that cannot become healthy fails its job with the cause, is rolled back, and
// goes no further.
func (w *world) broken(t *testing.T) {
	good := w.git("rev-parse", "HEAD")
	w.edit(t, "charts/flask-app/values.yaml", func(s string) string {
		return strings.Replace(s, "\npodAnnotations: {}", "\npodAnnotations: {fairlead.dev/simulate: crash-loop, fairlead.dev/simulate-log: no such module gunicorn}", 1)
	})
	w.commit("A mistake")
	log := w.runner.want(t, false)
	has(t, log, "FAIL  deploy-dev", "CrashLoopBackOff", "no such module gunicorn", "rolled back")
	if strings.Contains(log, "deploy-staging $") {
		t.Error("staging was deployed to")
	}
	w.deployed(t, "dev", good)
	w.deployed(t, "staging", good)
	w.git("revert", "--no-edit", "HEAD")
	w.git("update-ref", "refs/remotes/origin/main", "HEAD")
}

// otherEnvironment: a job's token is of use in its own environment alone.
func (w *world) otherEnvironment(t *testing.T) {
	w.withTokens(t, map[string]string{"dev": w.gitlab.gitlab(t, "staging", map[string]any{"aud": "fairlead-dev"})})
	log := w.runner.want(t, false, "deploy-dev")
	has(t, log, "this job is gitlab:"+project+":staging", "cannot", `in the namespace "flask-app-dev"`)

	w.withTokens(t, map[string]string{"dev": w.gitlab.gitlab(t, "staging", nil)})
	has(t, w.runner.want(t, false, "deploy-dev"), `the ID token is for "fairlead-staging", not for "fairlead-dev"`)
}

// unprotected: a branch that anyone may push to reaches no cluster, even if a pipeline of its own
// tries.
func (w *world) unprotected(t *testing.T) {
	w.withTokens(t, map[string]string{"dev": w.gitlab.gitlab(t, "dev", map[string]any{"ref_protected": "false"})})
	has(t, w.runner.want(t, false, "deploy-dev"), "does not accept the job's ID token", "subject")

	list := w.runner.want(t, true, "--list", "--variable", "CI_COMMIT_REF_PROTECTED=false")
	for _, job := range []string{"build ", "deploy-dev", "deploy-prod"} {
		if strings.Contains(list, "\n"+job) {
			t.Errorf("an unprotected branch has a job %s", job)
		}
	}
}

// leak: a commit with a secret in it ends the pipeline, and the log names the place only.
func (w *world) leak(t *testing.T) {
	secret := "glpat-" + "zX9q3LmT7vK2pR8wN4bY" // of no one
	writeFile(t, filepath.Join(w.runner.repo, "app", "deploy.ini"), "[gitlab]\ntoken = "+secret+"\n")
	w.commit("A token")
	log := w.runner.want(t, false, "secrets")
	has(t, log, "app/deploy.ini:2")
	hasNot(t, log, map[string]string{"the secret": secret})
}

func (w *world) edit(t *testing.T, file string, change func(string) string) {
	t.Helper()
	name := filepath.Join(w.runner.repo, file)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := change(string(data))
	if text == string(data) {
		t.Fatalf("%s is not what this test changes", file)
	}
	writeFile(t, name, text)
}
