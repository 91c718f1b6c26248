package lint

import (
	"fmt"
	"strings"
)

// publishes reports whether the pipeline brings anything into the world.
func (p *pipeline) publishes() *job {
	for _, j := range p.jobs {
		if j.deploys() {
			return j
		}
	}
	for _, j := range p.jobs {
		if len(actionTags(p, j)) > 0 {
			return j
		}
		for _, c := range j.script {
			if c.pushesImage() {
				return j
			}
		}
	}
	return nil
}

// noTests finds pipelines that publish or deploy what nothing has tested.
func noTests(p *pipeline, r *repository) []hit {
	first := p.publishes()
	if first == nil {
		return nil
	}
	for _, other := range r.pipelines {
		for _, j := range other.jobs {
			if j.isTest() {
				return nil // if it only pretends, another rule says so
			}
		}
	}
	verb := "publishes an image"
	if first.deploys() {
		verb = "deploys"
	}
	return []hit{{at: p.start, msg: fmt.Sprintf("%s %s, and no job tests anything", first.name, verb)}}
}

// idle are commands that find nothing out.
var idle = map[string]bool{"echo": true, "printf": true, "true": true, ":": true, "sleep": true, "exit": true, "ls": true, "pwd": true, "cd": true, "date": true, "export": true, "set": true}

// placeholderTest finds test jobs that cannot fail.
func placeholderTest(_ *pipeline, j *job) []hit {
	if j.trigger || !j.isTest() || len(j.script) == 0 || len(j.uses) > 1 {
		return nil
	}
	for _, c := range j.script {
		if !idle[c.program()] && installed(c) == "" {
			return nil
		}
	}
	return []hit{{at: j.script[0].at, msg: fmt.Sprintf("%s stands where tests belong and tests nothing: it cannot fail", j.name)}}
}

// testFailureIgnored finds tests whose failure stops nothing.
func testFailureIgnored(_ *pipeline, j *job) []hit {
	var out []hit
	if !j.isTest() {
		return nil
	}
	if j.ignored != nil && j.runsTests() {
		out = append(out, hit{at: j.ignored.at, msg: fmt.Sprintf("%s may fail and what it tested is deployed all the same", j.name)})
	}
	for _, c := range j.script {
		if c.ignored && c.runsTests() {
			out = append(out, hit{at: c.at, msg: fmt.Sprintf("the result of %s is thrown away", program(c))})
		}
	}
	return out
}

// testsBypassed finds deployments whose needs let them start before the tests are done.
func testsBypassed(p *pipeline, _ *repository) []hit {
	byName := map[string]*job{}
	var tests []string
	for _, j := range p.jobs {
		byName[j.name] = j
		if j.isTest() && !j.deploys() {
			tests = append(tests, j.name)
		}
	}
	if len(tests) == 0 {
		return nil
	}
	var out []hit
	for _, j := range p.jobs {
		if !j.deploys() || !j.hasNeeds || p.after(byName, j, map[string]bool{}) || j.runsTests() {
			continue
		}
		out = append(out, hit{at: j.at, job: j, msg: fmt.Sprintf("%s does not wait for %s: needs lets it start before the tests are done", j.name, strings.Join(tests, ", "))})
	}
	return out
}

// after reports whether j waits for a test, itself or through what it needs.
func (p *pipeline) after(byName map[string]*job, j *job, seen map[string]bool) bool {
	if seen[j.name] {
		return false
	}
	seen[j.name] = true
	for _, name := range j.needs {
		need := byName[name]
		if need == nil {
			continue
		}
		if need.isTest() || need.runsTests() {
			return true
		}
		if !need.hasNeeds && p.provider == GitLab {
			return true // it waits for the stages before its own, tests among them
		}
		if p.after(byName, need, seen) {
			return true
		}
	}
	return false
}

// chartUntested finds charts of the repository that are deployed and never checked.
func chartUntested(p *pipeline, r *repository) []hit {
	for _, other := range r.pipelines {
		for _, j := range other.jobs {
			for _, c := range j.script {
				if c.runs("helm", "lint", "unittest") || c.runs("fairlead", "test") && c.runs("fairlead", "chart") || c.program() == "ct" || c.program() == "kubeconform" || c.program() == "kubeval" {
					return nil
				}
			}
		}
	}
	for _, j := range p.jobs {
		for _, c := range j.releases() {
			if c.program() != "helm" {
				continue
			}
			for _, w := range c.words {
				if strings.HasPrefix(w, "./") || strings.HasPrefix(w, "charts/") || strings.HasPrefix(w, "chart/") {
					return []hit{{at: c.at, job: j, msg: fmt.Sprintf("the chart %s is deployed and no job checks it: a misspelled value is found in production", w)}}
				}
			}
		}
	}
	return nil
}

// noSecretScan finds pipelines that look for no secrets.
func noSecretScan(p *pipeline, r *repository) []hit {
	if p.publishes() == nil {
		return nil
	}
	for i, other := range r.pipelines {
		if other == p && i > 0 && r.pipelines[0].provider == p.provider {
			return nil // told once
		}
	}
	for _, other := range r.pipelines {
		if other.scanned {
			return nil
		}
		for _, j := range other.jobs {
			for _, l := range j.lines {
				if scansSecrets.MatchString(l.value) {
					return nil
				}
			}
			if scansSecrets.MatchString(j.image.value) {
				return nil
			}
		}
	}
	return []hit{{at: p.start, msg: "no job looks for secrets: one that was committed is found by others first"}}
}
