package lint

import "io/fs"

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // someone else can get in, or break what runs
	Warning Severity = "warning" // it will go wrong one day
	Info    Severity = "info"    // it could be better
)

// rank orders severities; higher matters more.
func (s Severity) rank() int {
	switch s {
	case Error:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// AtLeast reports whether s matters as much as least.
func (s Severity) AtLeast(least Severity) bool { return s.rank() >= least.rank() }

// Rule is one thing that is looked for.
type Rule struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"` // what is wrong, in a few words
	Why      string   `json:"why"`
	// Fix is what to write instead, for each provider it can happen with.
	Fix map[Provider]string `json:"fix"`

	check func(*pipeline, *repository) []hit
}

// hit is a place where a rule applies.
type hit struct {
	at  place
	job *job // nil for the whole pipeline
	msg string
}

// repository is all that is looked at in one go.
type repository struct {
	root      fs.FS
	pipelines []*pipeline
}

// both is a fix that reads the same for both providers.
func both(s string) map[Provider]string { return map[Provider]string{GitLab: s, GitHub: s} }

// onGitLab and onGitHub are fixes of what can only happen with one of them.
func onGitLab(s string) map[Provider]string { return map[Provider]string{GitLab: s} }
func onGitHub(s string) map[Provider]string { return map[Provider]string{GitHub: s} }

// each is a fix for each provider.
func each(gitlab, github string) map[Provider]string {
	return map[Provider]string{GitLab: gitlab, GitHub: github}
}

// eachCommand asks ask about every command of every job.
func eachCommand(ask func(p *pipeline, j *job, c *command) string) func(*pipeline, *repository) []hit {
	return func(p *pipeline, _ *repository) []hit {
		var out []hit
		for _, j := range p.jobs {
			for _, c := range j.script {
				if msg := ask(p, j, c); msg != "" {
					out = append(out, hit{at: c.at, job: j, msg: msg})
				}
			}
		}
		return out
	}
}

// eachJob asks ask about every job.
func eachJob(ask func(p *pipeline, j *job) []hit) func(*pipeline, *repository) []hit {
	return func(p *pipeline, _ *repository) []hit {
		var out []hit
		for _, j := range p.jobs {
			for _, h := range ask(p, j) {
				h.job = j
				out = append(out, h)
			}
		}
		return out
	}
}
