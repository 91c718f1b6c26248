package lint

import "strings"

// Provider is who runs a pipeline.
type Provider string

// The providers.
const (
	GitLab Provider = "gitlab"
	GitHub Provider = "github"
)

// place is where something is written.
type place struct {
	file      string // below the repository's root
	line, col int
}

// text is a value and where it is written.
type text struct {
	value string
	at    place
}

// pipeline is what both providers' files are read into.
type pipeline struct {
	provider Provider
	name     string // the file it was read from
	start    place  // its first key: where what is missing is told
	vars     []variable
	jobs     []*job
	includes []include
	github   workflow
	scanned  bool // something included looks for secrets
}

// workflow is what only GitHub has.
type workflow struct {
	triggers    map[string]place
	branches    []text // of push
	permissions *text  // "write-all", "read-all", "" for a list; nil when absent
	cancels     *text  // concurrency.cancel-in-progress
	concurrency bool
}

// variable is a name with a value of the pipeline's own.
type variable struct {
	name  string
	value text
}

// include is a file from elsewhere.
type include struct {
	kind     string // "project", "remote", "component", "template"
	what     text
	ref      string
	verified bool // a digest is given
}

// job is one job with everything it inherits.
type job struct {
	name        string
	at          place
	stage       text
	image       text
	services    []text
	privileged  *text // an option that asks for all rights on the runner
	vars        []variable
	script      []*command
	lines       []text // of the script, as written
	environment text
	action      string // environment.action
	hasConc     bool   // resource_group, concurrency
	manual      bool   // every way to start it is a person's
	auto        *text  // what starts it by itself on the default branch, where the file says so
	tagOnly     bool   // only tags, releases and people start it
	ignored     *text  // allow_failure, continue-on-error
	interrupts  *text  // a newer run may cancel it
	needs       []string
	hasNeeds    bool
	issued      map[string]bool // variables that hold short-lived credentials: id_tokens, secrets
	uses        []action
	permissions *text
	trigger     bool // starts another pipeline
}

// action is a step that runs another repository's code.
type action struct {
	text
	with map[string]text
}

// value is the last definition of a variable for j.
func (p *pipeline) value(j *job, name string) (text, bool) {
	for _, vars := range [][]variable{j.vars, p.vars} {
		for i := len(vars) - 1; i >= 0; i-- {
			if vars[i].name == name {
				return vars[i].value, true
			}
		}
	}
	return text{}, false
}

// expand puts the pipeline's own variables into s. What is not known stays as it is.
func (p *pipeline) expand(j *job, s string) string {
	for range 5 { // values name other variables; a cycle ends here
		next := references.ReplaceAllStringFunc(s, func(ref string) string {
			name := refName(ref)
			if v, ok := p.value(j, name); ok && !strings.Contains(v.value, ref) {
				return v.value
			}
			return ref
		})
		if next == s || len(next) > 16<<10 {
			break
		}
		s = next
	}
	return s
}
