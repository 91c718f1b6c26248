package lint

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// stored finds variables that hold a credential which the file does not make: it is kept in the
// provider's settings and does not end by itself. kind is what it opens, as opens says it.
func stored(kind string, tell func(name string) string) func(*pipeline, *repository) []hit {
	return func(p *pipeline, _ *repository) []hit {
		var out []hit
		seen := map[string]bool{}
		for _, j := range p.jobs {
			made := j.makes()
			for _, use := range p.uses(j) {
				name := use.value
				if seen[name] || made[name] || !holdsSecret(name) || j.kindOf(name) != kind {
					continue
				}
				if v, ok := p.value(j, name); ok && !refersTo(v.value, name) {
					if !strings.Contains(v.value, "secrets.") {
						continue // its value is here: another rule's, or another variable's, matter
					}
				}
				seen[name] = true
				out = append(out, hit{at: use.at, job: j, msg: tell(name)})
			}
		}
		return out
	}
}

func refersTo(value, name string) bool {
	for _, r := range refs(value) {
		if r == name {
			return true
		}
	}
	return false
}

// makes are the variables that the job gets for itself: issued to it, or set from a command.
func (j *job) makes() map[string]bool {
	made := map[string]bool{}
	for name := range j.issued {
		made[name] = true
	}
	for _, c := range j.script {
		for _, a := range c.assigns {
			if !refersTo(a.value, a.name) {
				made[a.name] = true
			}
		}
		if c.program() == "read" && len(c.words) > 1 {
			made[c.words[len(c.words)-1]] = true
		}
	}
	return made
}

// uses are the variables a job refers to, each with its place: in its script, its variables, and
// what it hands to actions.
func (p *pipeline) uses(j *job) []text {
	var out []text
	add := func(s string, at place) {
		for _, name := range refs(s) {
			out = append(out, text{value: name, at: at})
		}
	}
	for _, v := range append(append([]variable{}, p.vars...), j.vars...) {
		add(v.value.value, v.value.at)
	}
	for _, c := range j.script {
		for _, w := range c.words {
			add(w, c.at)
		}
		for _, a := range c.assigns {
			add(a.value, c.at)
		}
		add(c.input, c.at)
	}
	for _, a := range j.uses {
		for _, v := range a.with {
			add(v.value, v.at)
		}
	}
	return out
}

// kindOf is what a credential opens: by where it is used, else by its name.
func (j *job) kindOf(name string) string {
	for _, c := range j.script {
		if !refersTo(c.text()+" "+c.input, name) && (c.from == nil || !refersTo(c.from.text(), name)) {
			continue
		}
		switch {
		case isKubeconfig(name):
			return "kubeconfig"
		case c.runs("oc", "login"), c.runs("kubectl", "config"), c.program() == "kubectl" && c.has("--token"), c.program() == "helm" && c.has("--kube-token"):
			return "cluster"
		case isRegistryLogin(c), c.has("--docker-password"):
			return "registry"
		}
	}
	return opens(name)
}

func isRegistryLogin(c *command) bool {
	for _, program := range []string{"docker", "podman", "buildah", "skopeo", "crane", "oras", "nerdctl"} {
		if c.runs(program, "login") {
			return true
		}
	}
	return c.runs("helm", "login")
}

var (
	placeholder = pattern.New(`(?i)^(|<.*>|x+|\*+|changeme|change-me|none|null|true|false|todo|example|placeholder|your[-_ ].*|dummy|test|postgres|password|root|secret|\[masked\])$`)
	looksLikeIt = pattern.New(`^[^\s$]{6,}$`)
)

// hardcoded finds secrets whose value stands in the pipeline. The value is never told.
func hardcoded(p *pipeline, _ *repository) []hit {
	var out []hit
	look := func(j *job, v variable) {
		if holdsSecret(v.name) && !isPath(v.value.value) && looksLikeIt.MatchString(v.value.value) &&
			!placeholder.MatchString(v.value.value) && len(refs(v.value.value)) == 0 && !isKubeconfig(v.name) {
			out = append(out, hit{at: v.value.at, job: j, msg: fmt.Sprintf("the value of %s stands in the pipeline, and in its history", v.name)})
		}
	}
	for _, v := range p.vars {
		look(nil, v)
	}
	for _, j := range p.jobs {
		for _, v := range j.vars {
			look(j, v)
		}
		for _, c := range j.script {
			for _, a := range c.assigns {
				if !strings.ContainsAny(a.value, "$`(") {
					look(j, variable{name: a.name, value: text{value: a.value, at: c.at}})
				}
			}
		}
	}
	return out
}

func isPath(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "~") || strings.HasPrefix(s, "http")
}

// passwordOptions are the options that take a secret, by program; "" is any program.
var passwordOptions = map[string][]string{
	"docker": {"-p", "--password"}, "podman": {"-p", "--password"}, "buildah": {"-p", "--password"}, "skopeo": {"-p", "--password", "--dest-creds", "--src-creds", "--creds"},
	"nerdctl": {"-p", "--password"}, "crane": {"-p", "--password"}, "oras": {"-p", "--password"}, "helm": {"--password", "-p", "--kube-token"},
	"oc": {"-p", "--password", "--token", "--docker-password"}, "kubectl": {"--password", "--token", "--docker-password"},
	"argocd": {"--password", "--auth-token"}, "az": {"--password", "-p"}, "sshpass": {"-p"}, "twine": {"-p", "--password"}, "curl": {"-u", "--user"}, "wget": {"--password"},
	"": {"--password", "--docker-password", "--registry-password"},
}

// passwordOnCommandLine finds secrets in arguments: any process on the runner can read them, and
// "set -x" or a debug log prints them.
func passwordOnCommandLine(_ *pipeline, _ *job, c *command) string {
	if c.program() == "docker" && !c.runs("docker", "login") {
		return ""
	}
	options, known := passwordOptions[c.program()]
	if !known {
		options = passwordOptions[""]
	}
	for _, o := range options {
		v, ok := c.option(o)
		if !ok || v == "" || v == "-" {
			continue
		}
		if c.program() == "curl" && !strings.Contains(v, ":") {
			continue
		}
		if c.program() == "helm" && !c.runs("helm", "login", "add", "push") && o != "--kube-token" {
			continue
		}
		return fmt.Sprintf("%s hands a secret over as the argument %s", program(c), o)
	}
	for _, w := range c.words { // -pVALUE and -p$PASSWORD in one word
		if isRegistryLogin(c) && strings.HasPrefix(w, "-p") && len(w) > 2 && !strings.HasPrefix(w, "-p=") {
			return fmt.Sprintf("%s hands a secret over as the argument -p", program(c))
		}
	}
	return ""
}

// program is the command as people name it: "docker login", "kubectl create".
func program(c *command) string {
	if len(c.words) > 1 && !strings.HasPrefix(c.words[1], "-") && !strings.Contains(c.words[1], "$") {
		return c.program() + " " + c.words[1]
	}
	return c.program()
}

// secretInSet finds secrets given as chart values on the command line.
func secretInSet(_ *pipeline, _ *job, c *command) string {
	if c.program() != "helm" && c.program() != "fairlead" {
		return ""
	}
	for i, w := range c.words {
		if (w == "--set" || w == "--set-string") && i+1 < len(c.words) {
			w = c.words[i+1]
		}
		_, value, ok := strings.Cut(w, "=")
		if !ok || strings.HasPrefix(w, "--from") {
			continue
		}
		for _, name := range refs(value) {
			if holdsSecret(name) {
				return fmt.Sprintf("the secret $%s becomes a chart value: it is stored in Helm's release and shown by helm get values", name)
			}
		}
	}
	return ""
}

var credentialInURL = pattern.New(`://[^/\s:@]*:?\$\{?\{?[^@\s/]*@`)

func secretInURL(_ *pipeline, _ *job, c *command) string {
	for _, w := range c.words {
		if !credentialInURL.MatchString(w) {
			continue
		}
		for _, name := range refs(w) {
			if holdsSecret(name) || issuedNames[name] {
				return fmt.Sprintf("$%s is part of a URL: git keeps it in .git/config and prints it in errors", name)
			}
		}
	}
	return ""
}

// echoed finds secrets that are printed into the job's log.
func echoed(p *pipeline, j *job, c *command) string {
	printed := c.to == nil && !c.toFile && c.within == nil
	switch c.program() {
	case "echo", "printf", "cat":
		if !printed || strings.Contains(c.text(), "::add-mask::") {
			return ""
		}
		for _, name := range refs(c.text()) {
			if holdsSecret(name) || issuedNames[name] && name != "CI_REPOSITORY_URL" {
				return fmt.Sprintf("%s prints $%s into the log", c.program(), name)
			}
		}
	case "env", "printenv":
		if printed && len(c.words) == 1 {
			return c.program() + " prints every variable into the log; masking hides only exact values"
		}
	case "set":
		for _, w := range c.words[1:] {
			if strings.HasPrefix(w, "-") && strings.Contains(w, "x") && !strings.HasPrefix(w, "--") && p.handlesSecrets(j, c) {
				return "set -x prints every command with its secrets into the log"
			}
		}
	case "kubectl", "oc":
		if o, _ := c.option("-o", "--output"); printed && c.runs(c.program(), "get") && (c.runs(c.program(), "secret", "secrets")) && o != "" && o != "name" && o != "wide" {
			return c.program() + " get secret prints the secret into the log"
		}
	}
	return ""
}

// handlesSecrets reports whether a command that follows after, in the same shell, names a secret.
func (p *pipeline) handlesSecrets(j *job, after *command) bool {
	begun := false
	for _, c := range j.script {
		if begun = begun || c == after; !begun || p.provider == GitHub && c.item != after.item {
			continue
		}
		for _, name := range refs(c.text()) {
			if holdsSecret(name) {
				return true
			}
		}
	}
	return false
}

// debugTrace finds the variables that make the runner itself print everything.
func debugTrace(p *pipeline, _ *repository) []hit {
	var out []hit
	look := func(j *job, v variable) {
		switch v.name {
		case "CI_DEBUG_TRACE", "CI_DEBUG_SERVICES", "ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG":
			if v.value.value == "true" || v.value.value == "1" {
				out = append(out, hit{at: v.value.at, job: j, msg: v.name + " prints all variables, secrets among them, into the log"})
			}
		}
	}
	for _, v := range p.vars {
		look(nil, v)
	}
	for _, j := range p.jobs {
		for _, v := range j.vars {
			look(j, v)
		}
	}
	return out
}

// longLivedToken finds tokens made to last.
func longLivedToken(_ *pipeline, _ *job, c *command) string {
	if c.runs("oc", "get-token", "create-kubeconfig") && c.runs("oc", "sa", "serviceaccounts") {
		return "the token of oc serviceaccounts get-token never ends"
	}
	if strings.Contains(c.input, "kubernetes.io/service-account-token") {
		return "a Secret of type service-account-token holds a token that never ends"
	}
	if c.runs("kubectl", "create") && c.runs("kubectl", "token") {
		if d, ok := c.option("--duration"); ok && longDuration.MatchString(d) {
			return "a token for " + d + " outlives the job by far"
		}
	}
	return ""
}

var longDuration = pattern.New(`^([2-9]\d|\d{3,})h|^\d{5,}s|^\d{4,}m`)

// broadRole finds roles that allow more than a deployment needs.
func broadRole(_ *pipeline, _ *job, c *command) string {
	wide := map[string]bool{"edit": true, "admin": true, "cluster-admin": true, "self-provisioner": true}
	if c.runs("oc", "policy") || c.runs("oc", "adm") {
		for i, w := range c.words {
			if strings.HasPrefix(w, "add-") && strings.Contains(w, "role-to-") && i+1 < len(c.words) && wide[c.words[i+1]] {
				return fmt.Sprintf("the role %q is granted: it can change nearly everything in the namespace", c.words[i+1])
			}
			if strings.HasPrefix(w, "add-scc-to-") && i+1 < len(c.words) && (c.words[i+1] == "privileged" || c.words[i+1] == "anyuid") {
				return fmt.Sprintf("the security context constraint %q is granted", c.words[i+1])
			}
		}
	}
	if c.runs("kubectl", "create") || c.runs("oc", "create") {
		for _, o := range []string{"--clusterrole", "--role"} {
			if v, ok := c.option(o); ok && wide[v] {
				return fmt.Sprintf("the role %q is granted: it can change nearly everything", v)
			}
		}
	}
	if m := boundRole.FindStringSubmatch(c.input); m != nil && strings.Contains(c.input, "RoleBinding") {
		return fmt.Sprintf("the role %q is granted: it can change nearly everything", m[1])
	}
	return ""
}

var boundRole = pattern.New(`(?m)^\s*name:\s*(edit|admin|cluster-admin)\s*$`)

// removedJWT finds the job tokens that GitLab 17 took away (docs.gitlab.com/update/deprecations).
func removedJWT(p *pipeline, _ *repository) []hit {
	var out []hit
	seen := map[place]bool{}
	for _, j := range p.jobs {
		for _, u := range p.uses(j) {
			if (u.value == "CI_JOB_JWT" || u.value == "CI_JOB_JWT_V1" || u.value == "CI_JOB_JWT_V2") && !seen[u.at] {
				seen[u.at] = true
				out = append(out, hit{at: u.at, job: j, msg: "$" + u.value + " no longer exists: GitLab 17 removed it"})
			}
		}
	}
	return out
}
