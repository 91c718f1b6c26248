package lint

import (
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

var commitRef = pattern.New(`^[0-9a-f]{40}$`)

// actionUnpinned finds actions that their owner, or whoever takes over their account, can change.
func actionUnpinned(_ *pipeline, j *job) []hit {
	var out []hit
	for _, a := range j.uses {
		if strings.HasPrefix(a.value, "./") || strings.HasPrefix(a.value, "docker://") {
			continue
		}
		if name, ref, _ := strings.Cut(a.value, "@"); !commitRef.MatchString(ref) {
			out = append(out, hit{at: a.at, msg: fmt.Sprintf("%s@%s is a name that can be moved to other code", name, ref)})
		}
	}
	return out
}

// pullRequestTarget finds foreign code that is run with this repository's rights.
func pullRequestTarget(p *pipeline, _ *repository) []hit {
	at, ok := p.github.triggers["pull_request_target"]
	if !ok {
		return nil
	}
	for _, j := range p.jobs {
		for _, a := range j.uses {
			if !strings.HasPrefix(a.value, "actions/checkout@") {
				continue
			}
			ref := a.with["ref"].value + a.with["repository"].value
			if strings.Contains(ref, "pull_request.head") || strings.Contains(ref, "github.head_ref") || strings.Contains(ref, "refs/pull/") {
				return []hit{{at: at, job: j, msg: fmt.Sprintf("%s checks out a stranger's change and runs with this repository's secrets and token", j.name)}}
			}
		}
	}
	return nil
}

// foreign are expressions whose value a stranger writes
// (docs.github.com, "Security hardening for GitHub Actions", script injections).
var foreign = pattern.New(`\$\{\{[^}]*\b(github\.head_ref|github\.event\.(issue|pull_request|discussion)\.(title|body)|github\.event\.(comment|review|review_comment)\.body|github\.event\.pull_request\.head\.(ref|label|repo\.default_branch)|github\.event\.(head_commit|commits[^.]*)\.(message|author\.(name|email))|github\.event\.pages[^}]*page_name|github\.event\.workflow_run\.head_branch)\b[^}]*\}\}`)

// scriptInjection finds strangers' text that becomes part of a script.
func scriptInjection(_ *pipeline, j *job) []hit {
	var out []hit
	for _, l := range j.lines {
		for i, row := range strings.Split(l.value, "\n") {
			if m := foreign.FindStringSubmatch(row); m != nil {
				at := l.at
				if strings.Contains(l.value, "\n") {
					at.line += i + 1
					at.col = 0
				}
				out = append(out, hit{at: at, msg: fmt.Sprintf("%s is put into the script before the shell reads it: whoever writes it can run commands", m[1])})
			}
		}
	}
	return out
}

// tokenRights finds jobs whose token may do more than they need.
func tokenRights(p *pipeline, _ *repository) []hit {
	if top := p.github.permissions; top != nil {
		if top.value == "write-all" {
			return []hit{{at: top.at, msg: "every job's token may write everything in the repository"}}
		}
		return nil
	}
	for _, j := range p.jobs {
		switch {
		case j.permissions == nil && !j.trigger:
			return []hit{{at: j.at, job: j, msg: fmt.Sprintf("nothing says what the token of %s may do: with the repository's default it may write", j.name)}}
		case j.permissions != nil && j.permissions.value == "write-all":
			return []hit{{at: j.permissions.at, job: j, msg: fmt.Sprintf("the token of %s may write everything in the repository", j.name)}}
		}
	}
	return nil
}
