package check

import (
	"fmt"
	"path"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// ConfigFile is where a chart says what of it is not to be counted.
const ConfigFile = ".fairlead-chart.yaml"

// config is the content of ConfigFile.
type config struct {
	Ignore      []Ignore `json:"ignore,omitempty"`
	SkipToggles []string `json:"skipToggles,omitempty"` // values that are not to be flipped: "a.b"

	broken bool // it could not be read
}

// Ignore says that a rule does not count, everywhere or where the patterns match, and why.
type Ignore struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	File   string `json:"file,omitempty"`   // patterns of path.Match
	Object string `json:"object,omitempty"` // "Deployment/*"
	Field  string `json:"field,omitempty"`  // "spec.template.*"
}

func (s *subject) config() (config, error) {
	var c config
	text, err := s.read(ConfigFile)
	if err != nil || text == nil {
		return c, err
	}
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return config{broken: true}, configError(err.Error(), "the keys are ignore (rule, reason, file, object, field) and skipToggles")
	}
	for i, ig := range c.Ignore {
		switch {
		case ruleByID(ig.Rule).ID == "":
			return config{broken: true}, configError(fmt.Sprintf("ignore[%d]: there is no rule %q", i, ig.Rule), "fairlead chart test --rules lists them")
		case ig.Reason == "":
			return config{broken: true}, configError(fmt.Sprintf("ignore[%d]: rule %s is ignored without a reason", i, ig.Rule), "say why in reason")
		}
		for _, p := range []string{ig.File, ig.Object, ig.Field} {
			if _, err := path.Match(p, ""); err != nil {
				return config{broken: true}, configError(fmt.Sprintf("ignore[%d]: %q is no pattern", i, p), "* stands for any characters but /")
			}
		}
	}
	return c, nil
}

func configError(msg, next string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidConfig", File: ConfigFile, Msg: msg, Next: next}
}

// sift takes out what does not count. ignored are rules that the command line names.
func (c *config) sift(found *findings, ignored []string) (kept []Finding, suppressed []Suppressed) {
	used := make([]bool, len(c.Ignore))
	kept = []Finding{}
	for _, f := range found.sorted() {
		if slices.Contains(ignored, f.Rule) {
			suppressed = append(suppressed, Suppressed{f, "--ignore"})
			continue
		}
		i := slices.IndexFunc(c.Ignore, func(ig Ignore) bool { return ig.covers(&f) })
		if i < 0 {
			kept = append(kept, f)
			continue
		}
		used[i] = true
		suppressed = append(suppressed, Suppressed{f, c.Ignore[i].Reason})
	}
	for i, ig := range c.Ignore {
		if !used[i] {
			r := ruleByID("unused-ignore")
			kept = append(kept, Finding{Rule: r.ID, Severity: r.Severity, File: ConfigFile, Fix: r.Fix,
				Message: fmt.Sprintf("ignore[%d] (%s) applies to nothing", i, ig.Rule)})
		}
	}
	return kept, suppressed
}

func (ig Ignore) covers(f *Finding) bool {
	match := func(pattern, text string) bool {
		if pattern == "" {
			return true
		}
		ok, err := path.Match(pattern, text)
		return ok && err == nil
	}
	return ig.Rule == f.Rule && match(ig.File, f.File) && match(ig.Object, f.Object) && match(ig.Field, f.Field)
}
