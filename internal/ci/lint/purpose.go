package lint

import (
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// What a job is for is seen from its commands first, then from its stage and name.

var (
	scansSecrets = pattern.New(`(?i)gitleaks|trufflehog|detect-secrets|ggshield|secret[-_ ]?(detection|scan)|fairlead scan|git-secrets|talisman`)
	testWords    = pattern.New(`(?i)(^|[^a-z])(tests?|testing|spec|e2e|unit|integration|pytest)([^a-z]|$)`)
	deployWords  = pattern.New(`(?i)(^|[^a-z])(deploy(ment)?|rollout|release-to|install|promote)([^a-z]|$)`)
	notDeploy    = pattern.New(`(?i)(^|[^a-z])(rollback|stop|teardown|cleanup|destroy|delete|undeploy|uninstall|test|tests|lint|verify|check|plan|diff|dry-?run|build|notify|wait)([^a-z]|$)`)
)

// runners are commands that run tests; with words, one of these has to be among the arguments.
var runners = map[string][]string{
	"pytest": nil, "py.test": nil, "tox": nil, "nox": nil, "nosetests": nil, "jest": nil, "vitest": nil, "mocha": nil,
	"rspec": nil, "phpunit": nil, "ctest": nil, "bats": nil, "gotestsum": nil, "cypress": nil, "playwright": nil,
	"go": {"test"}, "npm": {"test", "t"}, "yarn": {"test"}, "pnpm": {"test"}, "mvn": {"test", "verify", "install", "package"},
	"mvnw": {"test", "verify", "install", "package"}, "gradle": {"test", "check", "build"}, "gradlew": {"test", "check", "build"},
	"cargo": {"test", "nextest"}, "dotnet": {"test"}, "make": {"test", "check", "tests", "unit"}, "mix": {"test"}, "sbt": {"test"},
	"bundle": {"rspec", "test"}, "rake": {"test", "spec"}, "rails": {"test"}, "composer": {"test"}, "bazel": {"test"},
	"python": {"pytest", "unittest", "test"}, "python3": {"pytest", "unittest", "test"}, "uv": {"pytest"}, "poetry": {"pytest"},
	"pipenv": {"pytest"}, "hatch": {"test"}, "npx": {"jest", "vitest", "playwright", "cypress"}, "deno": {"test"}, "just": {"test"}, "task": {"test"},
}

// runsTests reports whether a command runs tests.
func (c *command) runsTests() bool {
	words, known := runners[c.program()]
	if !known {
		return strings.HasSuffix(c.program(), ".sh") && testWords.MatchString(c.program())
	}
	if len(words) == 0 {
		return true
	}
	for _, w := range c.words[1:] {
		for _, want := range words {
			if w == want || strings.HasPrefix(w, want+":") {
				return true
			}
		}
	}
	return false
}

// runsTests reports whether the job runs tests that can fail.
func (j *job) runsTests() bool {
	for _, c := range j.script {
		if c.runsTests() {
			return true
		}
	}
	return false
}

// isTest reports whether the job stands where tests belong.
func (j *job) isTest() bool {
	if j.runsTests() || j.throwaway() {
		return true
	}
	if j.deploys() || j.environment.value != "" {
		return false
	}
	return testWords.MatchString(j.name) || testWords.MatchString(j.stage.value)
}

// releases lists the commands that change what runs in a cluster which is not thrown away.
func (j *job) releases() []*command {
	if j.throwaway() {
		return nil
	}
	var out []*command
	for _, c := range j.script {
		if c.releases() {
			out = append(out, c)
		}
	}
	return out
}

func (c *command) releases() bool {
	if v, ok := c.option("--dry-run"); ok && v != "none" {
		return false
	}
	switch c.program() {
	case "helm", "helm3":
		return c.verb() == "upgrade" || c.verb() == "install"
	case "kubectl", "oc", "k3s":
		if c.from != nil && (c.from.runs("kubectl", "create") || c.from.runs("oc", "create")) {
			return false // "create secret --dry-run -o yaml | apply" prepares; it deploys nothing
		}
		switch c.verb() {
		case "apply", "replace", "patch", "run", "new-app":
			return !c.has("--rm")
		case "rollout":
			return c.runs(c.program(), "restart", "latest")
		case "set":
			return c.runs(c.program(), "image")
		}
	case "helmfile":
		return c.runs("helmfile", "apply", "sync")
	case "fairlead":
		return c.runs("fairlead", "deploy", "apply")
	case "skaffold":
		return c.runs("skaffold", "run", "deploy")
	case "kustomize", "argocd":
		return c.runs("argocd", "sync")
	}
	return false
}

// deploys reports whether the job brings something to where it runs.
func (j *job) deploys() bool {
	if j.trigger || j.throwaway() {
		return false
	}
	if len(j.releases()) > 0 {
		return true
	}
	for _, a := range j.uses {
		if deployActions.MatchString(a.value) {
			return true
		}
	}
	switch j.action {
	case "stop", "prepare", "verify", "access":
		return false
	}
	if notDeploy.MatchString(j.name) {
		return false
	}
	if !deployWords.MatchString(j.name) && !deployWords.MatchString(j.stage.value) {
		return false
	}
	return len(j.script) > 0 && j.environment.value != "" || j.reachesOut()
}

// reachesOut reports whether a job brings files or commands to other machines.
func (j *job) reachesOut() bool {
	for _, c := range j.script {
		switch c.program() {
		case "ssh", "sshpass", "scp", "rsync", "ansible-playbook", "lftp":
			return true
		case "docker":
			return c.runs("docker", "stack") && c.runs("docker", "deploy")
		}
	}
	return false
}

var throwaway = pattern.New(`(?i)kind-action|setup-kind|setup-minikube|minikube|k3d|setup-k3s|actions-k3s|microk8s|kind create cluster|get\.k3s\.io|k3s server|kwok|envtest`)

// throwaway reports whether the cluster that a job deploys to is made by the job itself: that is a test.
// So is a job called a test that names no environment.
func (j *job) throwaway() bool {
	for _, a := range j.uses {
		if throwaway.MatchString(a.value) {
			return true
		}
	}
	for _, l := range j.lines {
		if throwaway.MatchString(l.value) {
			return true
		}
	}
	return j.environment.value == "" && testWords.MatchString(j.name) && !deployWords.MatchString(j.name)
}

var deployActions = pattern.New(`(?i)^(azure/k8s-deploy|azure/webapps-deploy|deliverybot/helm|redhat-actions/oc-new-app|.*helm-deploy|aws-actions/amazon-ecs-deploy-task-definition)@`)

// target is where a job deploys to.
type target string

// The targets. An unknown one is named by nothing.
const (
	production target = "production"
	earlier    target = "earlier" // any environment before production
	unknown    target = ""
)

var (
	notYetProduction = pattern.New(`(?i)(^|[^a-z])(non|pre)[-_ ]?prod(uction)?([^a-z]|$)|([^a-z]|^)(staging|stage|stg|preprod|uat|qa|acceptance|acc|test|testing|dev|develop|development|int|integration|sandbox|review|preview|feature|canary-test|demo)([^a-z]|$)`)
	isProduction     = pattern.New(`(?i)(^|[^a-z])(prod|production|prd|live)([^a-z]|$)`)
)

// target says where the job deploys to, from what names it best to what names it least.
func (p *pipeline) target(j *job) target {
	named := []string{j.environment.value, j.name}
	for _, c := range j.releases() {
		for _, o := range [][]string{{"-n", "--namespace"}, {"--kube-context", "--context"}} {
			if v, ok := c.option(o...); ok {
				named = append(named, p.expand(j, v))
			}
		}
		for i, w := range c.expanded {
			if (w == "-f" || w == "--values") && i+1 < len(c.expanded) {
				named = append(named, c.expanded[i+1])
			}
		}
	}
	named = append(named, j.stage.value)
	for i, n := range named {
		n = p.expand(j, n)
		if i == len(named)-1 && strings.EqualFold(n, "test") {
			continue
		}
		switch {
		case notYetProduction.MatchString(n):
			return earlier
		case isProduction.MatchString(n):
			return production
		}
	}
	return unknown
}

// productions are the jobs that deploy to production. Where nothing is called production, a job
// that names no other environment is taken for it.
func (p *pipeline) productions() []*job {
	var named, unnamed []*job
	for _, j := range p.jobs {
		if !j.deploys() {
			continue
		}
		switch p.target(j) {
		case production:
			named = append(named, j)
		case unknown:
			unnamed = append(unnamed, j)
		case earlier:
		}
	}
	if len(named) > 0 {
		return named
	}
	return unnamed
}

// deployments are all jobs that deploy.
func (p *pipeline) deployments() []*job {
	var out []*job
	for _, j := range p.jobs {
		if j.deploys() {
			out = append(out, j)
		}
	}
	return out
}

func (c *command) buildsImage() bool {
	return c.runs("docker", "build", "buildx") || c.runs("podman", "build") || c.runs("buildah", "bud", "build", "build-using-dockerfile") ||
		c.program() == "executor" || c.runs("nerdctl", "build")
}

func (c *command) pushesImage() bool {
	return c.runs("docker", "push") || c.runs("podman", "push") || c.runs("buildah", "push") || c.runs("skopeo", "copy") || c.runs("crane", "push", "copy")
}
