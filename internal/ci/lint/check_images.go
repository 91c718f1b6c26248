package lint

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// images are the images that jobs and their services run in, variables put in.
func (p *pipeline) images(j *job) []text {
	var out []text
	for _, t := range append([]text{j.image}, j.services...) {
		if t.value != "" {
			out = append(out, text{value: p.expand(j, t.value), at: t.at})
		}
	}
	for _, a := range j.uses {
		if image, ok := strings.CutPrefix(a.value, "docker://"); ok {
			out = append(out, text{value: image, at: a.at})
		}
	}
	return out
}

// tagOf is an image's tag: "latest" when it has none; digest says that it has a digest.
func tagOf(image string) (tag string, digest bool) {
	image, _, digest = strings.Cut(image, "@")
	last := image[strings.LastIndexByte(image, '/')+1:]
	if _, t, ok := strings.Cut(last, ":"); ok {
		return t, digest
	}
	return "latest", digest
}

// unresolved reports whether an image's tag is something the pipeline does not say: a variable of the
// settings, or a name that is one and may bring its tag along.
func unresolved(image string) bool {
	name, _, _ := strings.Cut(image, "@")
	last := name[strings.LastIndexByte(name, '/')+1:]
	if _, tag, ok := strings.Cut(last, ":"); ok {
		return strings.Contains(tag, "$")
	}
	return strings.Contains(last, "$")
}

// runsLatest finds jobs that run in whatever image is newest.
func runsLatest(p *pipeline, j *job) []hit {
	var out []hit
	for _, t := range p.images(j) {
		if tag, digest := tagOf(t.value); tag == "latest" && !digest && !unresolved(t.value) {
			out = append(out, hit{at: t.at, msg: fmt.Sprintf("the image %s is another one after every push to it", t.value)})
		}
	}
	return out
}

// unpinned finds images without a digest: a tag can be moved, and the job then runs other code with
// the same credentials.
func unpinned(p *pipeline, j *job) []hit {
	var out []hit
	for _, t := range p.images(j) {
		tag, digest := tagOf(t.value)
		if digest || tag == "latest" || unresolved(t.value) {
			continue
		}
		out = append(out, hit{at: t.at, msg: fmt.Sprintf("the image %s is named by a tag, which can be moved", t.value)})
	}
	return out
}

// images that hold a Docker daemon.
var dind = pattern.New(`(^|/)docker:([^@]*-)?dind`)

// dockerInDocker finds builds that need a privileged runner.
func dockerInDocker(p *pipeline, j *job) []hit {
	var out []hit
	for _, t := range p.images(j) {
		if dind.MatchString(t.value) {
			out = append(out, hit{at: t.at, msg: fmt.Sprintf("%s needs a privileged runner: a job in it is root on the host", t.value)})
		}
	}
	if j.privileged != nil {
		out = append(out, hit{at: j.privileged.at, msg: "--privileged gives the job root on the host"})
	}
	for _, c := range j.script {
		if strings.Contains(c.text(), "/var/run/docker.sock") {
			out = append(out, hit{at: c.at, msg: "the host's Docker socket is opened to others: whoever has it is root on the host"})
		}
	}
	return out
}

// built are the names under which a command builds or publishes an image, variables put in.
func (c *command) built() []string {
	var out []string
	if c.buildsImage() {
		for i, w := range c.expanded {
			for _, o := range []string{"-t", "--tag", "--destination", "-d"} {
				if w == o && i+1 < len(c.expanded) {
					out = append(out, c.expanded[i+1])
				} else if v, ok := strings.CutPrefix(w, o+"="); ok {
					out = append(out, v)
				}
			}
		}
	}
	if c.pushesImage() || c.runs("docker", "tag") || c.runs("buildah", "tag") || c.runs("podman", "tag") {
		for _, w := range c.expanded[len(c.expanded)-1:] {
			out = append(out, strings.TrimPrefix(w, "docker://"))
		}
	}
	return out
}

const latestDeployed = "latest is deployed: nothing says what runs, and pods started at different times run different code"

// moving finds images that are built, published or deployed as latest.
func moving(p *pipeline, j *job, c *command) string {
	for _, image := range c.built() {
		if j.buildsUnique() {
			break // latest is a further name of it, for people
		}
		if tag, digest := tagOf(image); tag == "latest" && !digest && !endsOpen(image) {
			return fmt.Sprintf("%s: every build overwrites the one before, so nothing says what runs and nothing can be rolled back to", shown(image))
		}
	}
	for i, w := range c.expanded {
		if (w == "--set" || w == "--set-string") && i+1 < len(c.expanded) {
			w = c.expanded[i+1]
		}
		if strings.HasSuffix(w, "image.tag=latest") || strings.HasSuffix(w, ".tag=latest") || c.runs("kubectl", "set") && strings.HasSuffix(w, ":latest") {
			return latestDeployed
		}
	}
	if c.releases() && deploysLatest.MatchString(p.expand(j, c.fed())) {
		return latestDeployed
	}
	return ""
}

var deploysLatest = pattern.New(`(?m)^\s*-?\s*image:\s*["']?[^\s"'#]+:latest["']?\s*$`)

// fed is the here-document a command reads, its own or that of the command before the pipe.
func (c *command) fed() string {
	if c.input != "" {
		return c.input
	}
	for from := c.from; from != nil; from = from.from {
		if from.input != "" {
			return from.input
		}
	}
	return ""
}

// endsOpen reports whether an image's name ends in something unknown, which may bring a tag along.
func endsOpen(image string) bool {
	return strings.HasPrefix(image, "$") && !strings.ContainsAny(image, "/:") || strings.HasPrefix(image, "-")
}

// shown is an image without the variables in front of its last part.
func shown(image string) string { return image[strings.LastIndexByte(image, '/')+1:] }

// unique are the parts of tags that belong to one commit or one run.
var unique = pattern.New(`(?i)SHA|COMMIT(?:$|[^_])|CI_PIPELINE_I?ID|CI_JOB_ID|CI_COMMIT_TAG|run_(number|id)|github\.ref_name|GITHUB_REF_NAME|rev-parse|git describe|VERSION|github\.event\.release|steps\.|needs\.|BUILD_(NUMBER|ID)|TAG`)

// buildsUnique reports whether the job gives an image a name that belongs to one commit or run.
func (j *job) buildsUnique() bool {
	for _, c := range j.script {
		for _, image := range c.built() {
			if tag, digest := tagOf(image); digest || tag != "latest" && (unique.MatchString(tag) || tagFromCommand(j, tag)) {
				return true
			}
		}
	}
	return false
}

// actionTags are the images that docker/build-push-action publishes, with their place.
func actionTags(p *pipeline, j *job) []text {
	var out []text
	for _, a := range j.uses {
		if !strings.HasPrefix(a.value, "docker/build-push-action@") || a.with["push"].value == "false" || a.with["push"].value == "" {
			continue
		}
		tags := a.with["tags"]
		for _, image := range strings.FieldsFunc(withoutBlanks(tags.value), func(r rune) bool { return r == '\n' || r == ',' }) {
			out = append(out, text{value: p.expand(j, strings.TrimSpace(image)), at: tags.at})
		}
	}
	return out
}

var expressionBlanks = pattern.New(`\$\{\{[^}]*\}\}`)

// withoutBlanks closes up expressions, so that they are one word of an image's name.
func withoutBlanks(s string) string {
	return expressionBlanks.ReplaceAllStringFunc(s, func(e string) string { return strings.ReplaceAll(e, " ", "") })
}

// movingByAction finds images that an action publishes as latest alone.
func movingByAction(p *pipeline, j *job) []hit {
	var out []hit
	for _, t := range actionTags(p, j) {
		tag, digest := tagOf(t.value)
		switch {
		case digest || strings.HasPrefix(t.value, "${{"), tag != "latest" && unique.MatchString(tag):
			return nil
		case tag == "latest":
			out = append(out, hit{at: t.at, msg: fmt.Sprintf("%s: every build overwrites the one before, so nothing says what runs and nothing can be rolled back to", shown(t.value))})
		}
	}
	return out
}

// either asks two checks.
func either(a, b func(*pipeline, *repository) []hit) func(*pipeline, *repository) []hit {
	return func(p *pipeline, r *repository) []hit { return append(a(p, r), b(p, r)...) }
}

// tagNotFromCommit finds published images whose tag does not say what they were built from.
func tagNotFromCommit(p *pipeline, j *job) []hit {
	if j.throwaway() || j.buildsUnique() {
		return nil
	}
	var out []hit
	var first *hit
	for _, c := range j.script {
		if !c.buildsImage() && !c.pushesImage() {
			continue
		}
		for _, image := range c.built() {
			tag, digest := tagOf(image)
			if digest || tag == "latest" || endsOpen(image) {
				continue
			}
			if first == nil {
				first = &hit{at: c.at, msg: fmt.Sprintf("the tag %q does not say which commit was built", tag)}
			}
		}
	}
	if first != nil {
		out = append(out, *first)
	}
	return out
}

// tagFromCommand reports whether a tag is a variable that the script sets from a command.
func tagFromCommand(j *job, tag string) bool {
	made := j.makes()
	for _, name := range refs(tag) {
		if made[name] {
			return true
		}
	}
	return false
}

// lostImage finds jobs that push what another job built in a Docker daemon that ended with it.
func lostImage(p *pipeline, j *job) []hit {
	daemon := dind.MatchString(j.image.value)
	for _, s := range j.services {
		daemon = daemon || dind.MatchString(p.expand(j, s.value))
	}
	if !daemon {
		return nil
	}
	var out []hit
	has := false
	for _, c := range j.script {
		has = has || c.buildsImage() || c.runs("docker", "pull", "load", "tag", "import")
		if c.runs("docker", "push") && !has {
			out = append(out, hit{at: c.at, msg: "the image was built in another job's Docker daemon, which ended with that job: there is nothing here to push"})
		}
	}
	return out
}
