package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// The build services that pipelines are written for.
const (
	GitLab = "gitlab"
	GitHub = "github"
)

// Providers are all of them.
var Providers = []string{GitLab, GitHub}

// Spec is all that a pipeline is made of. Paths are below the repository's root, with slashes.
type Spec struct {
	Provider     string
	Name         string // of the release and the image
	Project      string // group/name at the build service
	Guessed      bool   // nothing said which project it is
	Host         string // of the build service
	Branch       string // the default one
	Chart        string
	Dockerfile   string
	Context      string // of the build
	BaseArg      string // build argument that names the base image, or empty
	DockerFormat bool   // the Dockerfile says what OCI's format cannot: HEALTHCHECK
	ImageKey     string // of the chart's values: "image"
	HasDigest    bool   // the chart takes a digest beside a tag
	Image        string // with the service's variables, without a tag
	Registry     string // its host
	OwnRegistry  bool   // it is not the build service's
	RunnerImage  string // by digest
	Tests        []Test
	Packages     []string // Debian's, that the tests need
	Environments []Environment
	HealthPath   string
	Said         []string // the options that were given, "name=value": the pipeline keeps them
}

// Test is one job that tests the application.
type Test struct {
	Job     string
	Dir     string
	Command string
	JUnit   string   // the report it writes, below the root
	Lock    string   // file that a cache depends on
	Cache   []string // folders kept between runs
	Go      bool     // it needs Go
}

// Environment is one place that the application is deployed to. The last one waits for a person.
type Environment struct {
	Name      string
	Namespace string
	Values    []string // files, in Helm's order
	URL       string   // where it answers, or empty
	Tier      string   // GitLab's deployment_tier
	Audience  string   // of the ID token
	Verify    bool     // looked at again after the deployment, before the next one
	Manual    bool
}

// placeholderDigest stands for the runner image's until it was built.
const placeholderDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Go reports whether the runner image needs Go.
func (s *Spec) Go() bool { return slices.ContainsFunc(s.Tests, func(t Test) bool { return t.Go }) }

// NeedsRunner reports whether the runner image still has to be built and named.
func (s *Spec) NeedsRunner() bool { return strings.HasSuffix(s.RunnerImage, placeholderDigest) }

var (
	// words go into YAML, shell and CEL without quotes.
	word      = pattern.New(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	filePath  = pattern.New(`^[A-Za-z0-9._][A-Za-z0-9._/-]*$`)
	reference = pattern.New(`^[a-z0-9][A-Za-z0-9._:/-]*$`)
	pinned    = pattern.New(`^[a-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}$`)
	project   = pattern.New(`^[A-Za-z0-9._][A-Za-z0-9._-]*(/[A-Za-z0-9._][A-Za-z0-9._-]*)+$`)
	host      = pattern.New(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?$`)
	branch    = pattern.New(`^[A-Za-z0-9_][A-Za-z0-9._/-]*$`)
	valueKey  = pattern.New(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	address   = pattern.New(`^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?$`)
	urlPath   = pattern.New(`^/[A-Za-z0-9._~/-]*$`)
	argument  = pattern.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// validate refuses what would have another meaning in YAML or in a shell than the one it has here.
func (s *Spec) validate() error {
	type rule struct {
		what, value string
		form        *pattern.Regexp
	}
	rules := []rule{
		{"the name", s.Name, word}, {"the project", s.Project, project}, {"the host", s.Host, host},
		{"the branch", s.Branch, branch}, {"the chart", s.Chart, filePath}, {"the Dockerfile", s.Dockerfile, filePath},
		{"the build's folder", s.Context, filePath}, {"the chart's image", s.ImageKey, valueKey},
		{"the runner image", s.RunnerImage, pinned}, {"the path of the health check", s.HealthPath, urlPath},
	}
	if s.OwnRegistry {
		rules = append(rules, rule{"the image", s.Image, reference})
	}
	if s.BaseArg != "" {
		rules = append(rules, rule{"the build argument", s.BaseArg, argument})
	}
	for _, t := range s.Tests {
		rules = append(rules, rule{"a test's folder", t.Dir, filePath})
		if strings.ContainsAny(t.Command, "\n\r") || strings.TrimSpace(t.Command) == "" {
			return invalid("a test's command is one line", t.Command)
		}
	}
	for _, e := range s.Environments {
		rules = append(rules, rule{"an environment", e.Name, word}, rule{"a namespace", e.Namespace, word})
		if e.URL != "" {
			rules = append(rules, rule{"the address of " + e.Name, e.URL, address})
		}
		for _, v := range e.Values {
			rules = append(rules, rule{"a values file", v, filePath})
		}
	}
	for _, o := range s.Said {
		if strings.ContainsAny(o, "\n\r") {
			return invalid("an option is one line", o)
		}
	}
	for _, r := range rules {
		if !r.form.MatchString(r.value) || strings.Contains(r.value, "..") {
			return invalid(r.what, r.value)
		}
	}
	return nil
}

func invalid(what, value string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPipeline", Msg: fmt.Sprintf("%s: %q cannot stand in a pipeline", what, value),
		Next: "a flag of fairlead ci init says it otherwise: fairlead ci init --help"}
}
