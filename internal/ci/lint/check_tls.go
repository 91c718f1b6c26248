package lint

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// insecureFlags turn the check of a server's certificate off, by option; the value is what has to
// follow for it to be so, "" for a switch.
var insecureFlags = map[string]bool{
	"--insecure-skip-tls-verify": true, "--insecure-skip-verify": true, "--kube-insecure-skip-tls-verify": true, "--skip-tls-verify": true,
	"--skip-tls-verify-pull": true, "--no-check-certificate": true, "--insecure-registry": true, "--insecure-policy": true,
	"--tls-skip-verify": true, "--insecure-pull": true,
}

var verifyFlags = []string{"--tls-verify", "--src-tls-verify", "--dest-tls-verify", "--verify-tls"}

// tlsOff finds options that turn the check of certificates off.
func tlsOff(_ *pipeline, _ *job, c *command) string {
	for _, w := range c.words {
		name, value, _ := strings.Cut(w, "=")
		if insecureFlags[name] && value != "false" {
			return fmt.Sprintf("%s %s: the server is not checked, anyone between can read and change what is sent", c.program(), name)
		}
	}
	for _, f := range verifyFlags {
		if v, ok := c.option(f); ok && v == "false" {
			return fmt.Sprintf("%s %s=false: the server is not checked, anyone between can read and change what is sent", c.program(), f)
		}
	}
	switch c.program() {
	case "curl":
		for _, w := range c.words[1:] {
			if w == "--insecure" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(shortFlags(w), "k") {
				return "curl -k: the server is not checked, anyone between can change what is downloaded"
			}
		}
	case "git":
		for i, w := range c.words {
			if strings.EqualFold(w, "http.sslVerify=false") || strings.EqualFold(w, "http.sslVerify") && i+1 < len(c.words) && c.words[i+1] == "false" {
				return "git with http.sslVerify=false: the server is not checked"
			}
		}
	case "npm", "yarn":
		if strings.Contains(c.text(), "strict-ssl false") || strings.Contains(c.text(), "strict-ssl=false") {
			return c.program() + " with strict-ssl=false: the registry is not checked"
		}
	case "pip", "pip3":
		if c.has("--trusted-host") {
			return c.program() + " --trusted-host: that host is not checked"
		}
	case "oras", "crane":
		if c.has("--insecure") {
			return c.program() + " --insecure: the registry is not checked"
		}
	}
	for _, a := range c.assigns {
		if msg := insecureVariable(a.name, a.value); msg != "" {
			return msg
		}
	}
	return ""
}

// shortFlags is what of "-sSLko" are switches: letters up to one that takes a value.
func shortFlags(w string) string {
	for i, r := range w {
		if i > 0 && strings.ContainsRune("oXHdumTAeFwxb", r) {
			return w[:i]
		}
	}
	return w
}

// insecureVariable says what is wrong with a variable that turns checking off.
func insecureVariable(name, value string) string {
	off := value == "0" || value == "false"
	on := value == "1" || strings.EqualFold(value, "true")
	switch {
	case name == "GIT_SSL_NO_VERIFY" && on, name == "NODE_TLS_REJECT_UNAUTHORIZED" && off, name == "PYTHONHTTPSVERIFY" && off,
		name == "KUBECTL_INSECURE_SKIP_TLS_VERIFY" && on, name == "HELM_KUBEINSECURE_SKIP_TLS_VERIFY" && on,
		name == "VAULT_SKIP_VERIFY" && on, name == "BUILDAH_TLS_VERIFY" && off, name == "ARGOCD_INSECURE" && on, name == "CURL_INSECURE" && on:
		return fmt.Sprintf("%s=%s: servers are not checked, anyone between can read and change what is sent", name, value)
	case name == "DOCKER_TLS_CERTDIR" && value == "":
		return "DOCKER_TLS_CERTDIR is empty: the Docker daemon listens without TLS, and whoever reaches it is root on it"
	case name == "DOCKER_HOST" && strings.HasPrefix(value, "tcp://") && strings.HasSuffix(value, ":2375"):
		return "DOCKER_HOST uses port 2375: the Docker daemon is spoken to without TLS"
	}
	return ""
}

// tlsOffByVariable finds variables of the pipeline that turn the check of certificates off.
func tlsOffByVariable(p *pipeline, _ *repository) []hit {
	var out []hit
	look := func(j *job, vars []variable) {
		for _, v := range vars {
			if msg := insecureVariable(v.name, v.value.value); msg != "" {
				out = append(out, hit{at: v.value.at, job: j, msg: msg})
			}
		}
	}
	look(nil, p.vars)
	for _, j := range p.jobs {
		look(j, j.vars)
	}
	return out
}

var hostKey = pattern.New(`(?i)StrictHostKeyChecking[= ]+"?(no|off|accept-new)\b`)

// hostKeyUnchecked finds SSH that takes any server for the right one.
func hostKeyUnchecked(_ *pipeline, _ *job, c *command) string {
	if hostKey.MatchString(c.text()+" "+c.input) || strings.Contains(c.text(), "UserKnownHostsFile=/dev/null") {
		return "SSH is told to take any server for the right one"
	}
	if c.program() == "ssh-keyscan" {
		return "ssh-keyscan asks the server itself whether it is the right one"
	}
	return ""
}
