package lint

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

func isHelm(c *command) bool {
	return (c.program() == "helm" || c.program() == "helm3") && c.releases()
}

// notAtomic finds upgrades that leave a failed release behind.
func notAtomic(_ *pipeline, j *job, c *command) string {
	if !isHelm(c) || j.throwaway() || c.has("--atomic", "--rollback-on-failure") {
		return ""
	}
	return "a failed upgrade stays as it is: half of the new version runs until someone sees it"
}

// noTimeout finds upgrades that wait as long as Helm likes.
func noTimeout(_ *pipeline, j *job, c *command) string {
	if !isHelm(c) || j.throwaway() || c.has("--timeout") || !c.has("--wait", "--atomic", "--rollback-on-failure") {
		return ""
	}
	return "no time is set for the upgrade: Helm's five minutes may be too short for it, or too long for the job"
}

// notIdempotent finds installs that work only once.
func notIdempotent(_ *pipeline, j *job, c *command) string {
	if !isHelm(c) || j.throwaway() {
		return ""
	}
	if c.verb() == "upgrade" && !c.has("--install", "-i") {
		return "helm upgrade without --install fails where the release is not there yet"
	}
	if c.verb() == "install" {
		return "helm install fails from the second run on"
	}
	return ""
}

// waits reports whether a command waits for what was deployed.
func (c *command) waits() bool {
	switch c.program() {
	case "kubectl", "oc":
		return c.runs(c.program(), "status") && c.runs(c.program(), "rollout") || c.runs(c.program(), "wait")
	case "helm", "helm3":
		return c.has("--wait", "--atomic", "--rollback-on-failure") || c.runs(c.program(), "test")
	case "helmfile":
		return c.has("--wait")
	case "fairlead", "argocd", "skaffold":
		return true
	}
	return false
}

// notVerified finds deployments that are called done when they were only sent.
func notVerified(_ *pipeline, j *job) []hit {
	for _, c := range j.script {
		if c.waits() {
			return nil
		}
	}
	for _, c := range j.releases() {
		return []hit{{at: c.at, msg: fmt.Sprintf("%s returns when the change was accepted: the job is green while the pods crash", program(c))}}
	}
	return nil
}

var (
	kindPod      = pattern.New(`(?m)^\s*"?kind"?:\s*"?Pod"?,?\s*$`)
	podIsThought = pattern.New(`(?i)POD[_ -]?MANIFEST`)
	kindLine     = pattern.New(`(?m)^\s*"?kind"?:\s*"?\w+`)
)

const podAlone = "a Pod without a controller is deployed: when it or its node ends it is gone, it cannot be updated in place, and there is one"

// barePod finds Pods that nothing starts again.
func barePod(_ *pipeline, j *job, c *command) string {
	if j.throwaway() {
		return ""
	}
	if (c.program() == "kubectl" || c.program() == "oc") && c.verb() == "run" && !c.has("--rm", "--dry-run") {
		return podAlone
	}
	if !writesManifest(c) {
		return ""
	}
	fed := c.fed()
	if kindPod.MatchString(fed) || podIsThought.MatchString(fed) && !kindLine.MatchString(fed) {
		return podAlone
	}
	return ""
}

// manifestInPipeline finds manifests that are written into the pipeline.
func manifestInPipeline(_ *pipeline, j *job, c *command) string {
	if j.throwaway() || !writesManifest(c) {
		return ""
	}
	if fed := c.fed(); kindLine.MatchString(fed) || podIsThought.MatchString(fed) {
		return "a manifest stands in the pipeline: nothing checks it, nothing removes what is taken out of it, and a variable in it can become YAML"
	}
	return ""
}

// writesManifest reports whether a command makes objects of what it reads.
func writesManifest(c *command) bool {
	if c.program() != "kubectl" && c.program() != "oc" {
		return false
	}
	return c.verb() == "apply" || c.verb() == "create" || c.verb() == "replace"
}

// manySets finds configuration that lives in the pipeline instead of in files.
func manySets(_ *pipeline, _ *job, c *command) string {
	if c.program() != "helm" && c.program() != "fairlead" {
		return ""
	}
	static := 0
	for i, w := range c.words {
		if (w == "--set" || w == "--set-string") && i+1 < len(c.words) && !strings.Contains(c.words[i+1], "$") {
			static++
		}
	}
	if static < 4 {
		return ""
	}
	return fmt.Sprintf("%d fixed values are set on the command line: what an environment gets is written in no file", static)
}

// includeUnpinned finds files from elsewhere that can change under the pipeline.
func includeUnpinned(p *pipeline, _ *repository) []hit {
	var out []hit
	for _, inc := range p.includes {
		msg := ""
		switch inc.kind {
		case "project":
			if inc.ref == "" || moves(inc.ref) {
				msg = fmt.Sprintf("jobs from the project %s are included as they are at that moment", inc.what.value)
			}
		case "remote":
			if !inc.verified {
				msg = "jobs from another server are included as they are at that moment"
			}
		case "component":
			if inc.ref == "" || moves(inc.ref) || strings.HasPrefix(inc.ref, "~") {
				msg = fmt.Sprintf("the component %s is included in whatever version there is", inc.what.value)
			}
		}
		if msg != "" {
			out = append(out, hit{at: inc.what.at, msg: msg + ": whoever changes them runs code with this project's secrets"})
		}
	}
	return out
}

// moves reports whether a ref is a branch, as far as its name tells.
func moves(ref string) bool {
	switch ref {
	case "main", "master", "HEAD", "develop", "trunk", "production", "stable", "latest", "~latest":
		return true
	}
	return false
}
