package lint

import (
	"fmt"
	"strings"
)

// noApproval finds deployments to production that no person lets through.
func noApproval(p *pipeline, _ *repository) []hit {
	var out []hit
	for _, j := range p.productions() {
		if j.manual || j.tagOnly || p.provider == GitHub && j.environment.value != "" || p.behindGate(j) {
			continue
		}
		msg := fmt.Sprintf("%s deploys to production, and nobody has to approve it", j.name)
		if p.target(j) == unknown {
			msg = fmt.Sprintf("%s deploys, and nobody has to approve it; nothing says that it is not production", j.name)
		}
		out = append(out, hit{at: j.at, job: j, msg: msg})
	}
	return out
}

// behindGate reports whether a job waits for one that a person starts.
func (p *pipeline) behindGate(j *job) bool {
	for _, name := range j.needs {
		for _, other := range p.jobs {
			if other.name == name && (other.manual || p.provider == GitHub && strings.Contains(strings.ToLower(other.environment.value), "prod")) {
				return true
			}
		}
	}
	return false
}

// noStaging finds pipelines where production is the first place a change runs.
func noStaging(p *pipeline, r *repository) []hit {
	for _, other := range r.pipelines {
		for _, j := range other.deployments() {
			if other.target(j) == earlier {
				return nil
			}
		}
	}
	var out []hit
	for _, j := range p.productions() {
		out = append(out, hit{at: j.at, job: j, msg: fmt.Sprintf("%s is the first place where a change runs: there is no environment before it", j.name)})
		break
	}
	return out
}

// mainToProduction finds production fed by every push to the main branch, with nothing between.
func mainToProduction(p *pipeline, r *repository) []hit {
	if len(noStaging(p, r)) == 0 {
		return nil
	}
	var out []hit
	for _, h := range noApproval(p, r) {
		if h.job.auto != nil {
			out = append(out, hit{at: h.job.auto.at, job: h.job, msg: fmt.Sprintf("every push to the main branch is deployed by %s at once, with neither another environment nor a person between", h.job.name)})
		}
	}
	return out
}

// noEnvironment finds deployments that the provider does not know to be ones.
func noEnvironment(p *pipeline, j *job) []hit {
	if !j.deploys() || j.environment.value != "" {
		return nil
	}
	return []hit{{at: j.at, msg: fmt.Sprintf("%s has no environment: it cannot be protected, and nothing lists what is deployed where", j.name)}}
}

// deploysRace finds deployments that two pipelines can do at the same time.
func deploysRace(p *pipeline, j *job) []hit {
	if !j.deploys() || j.hasConc {
		return nil
	}
	return []hit{{at: j.at, msg: fmt.Sprintf("two runs of %s can deploy at the same time, and the older may win", j.name)}}
}

// interruptible finds deployments that a newer run cancels in their middle.
func interruptible(_ *pipeline, j *job) []hit {
	if !j.deploys() || j.interrupts == nil {
		return nil
	}
	return []hit{{at: j.interrupts.at, msg: fmt.Sprintf("a newer run cancels %s wherever it is, and leaves a release half done", j.name)}}
}

// deployFailureIgnored finds deployments that may fail without anyone seeing it.
func deployFailureIgnored(_ *pipeline, j *job) []hit {
	if !j.deploys() {
		return nil
	}
	var out []hit
	if j.ignored != nil {
		out = append(out, hit{at: j.ignored.at, msg: fmt.Sprintf("%s may fail and the pipeline is green", j.name)})
	}
	for _, c := range j.releases() {
		if c.ignored {
			out = append(out, hit{at: c.at, msg: fmt.Sprintf("the failure of %s is thrown away", program(c))})
		}
	}
	return out
}
