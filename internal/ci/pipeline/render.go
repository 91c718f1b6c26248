package pipeline

import (
	"bytes"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// File is one file of a pipeline.
type File struct {
	Path       string // below the repository's root
	Executable bool
	Content    string
}

// Where the files are.
const (
	gitlabFile       = ".gitlab-ci.yml"
	githubFile       = ".github/workflows/deliver.yml"
	runnerDockerfile = "ci/runner/Dockerfile"
	hookFile         = ".githooks/pre-commit"
	accessFile       = "ci/authentication.yaml"
	readmeFile       = "ci/README.md"
)

// The images and actions that pipelines are built on, by digest and commit.
const (
	debianImage = "docker.io/library/debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716"
	golangImage = "docker.io/library/golang:1.26.4-bookworm@sha256:5d2b868674b57c9e48cdd39e891acce4196b6926ca6d11e9c270a8f85106203d"
	checkoutPin = "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
	uploadPin   = "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0"
)

// How long things may take, in minutes. A deployment that fails is rolled back within its job.
const (
	deployMinutes = 10
	jobMinutes    = 30
)

// view is what the templates see.
type view struct {
	*Spec
	DebianImage, GolangImage       string
	CheckoutPin, UploadPin         string
	DeployMinutes, JobMinutes      int
	RunnerDockerfile               string
	PipelineFile                   string
	UserVariable, PasswordVariable string
	Issuer, AccessFile             string
	Said                           string // the options as comments
}

// EnvironmentList is the environments' names as CEL writes a list.
func (v view) EnvironmentList() string {
	var names []string
	for _, e := range v.Environments {
		names = append(names, strconv.Quote(e.Name))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// PipelineFile is where a build service looks for its pipeline.
func PipelineFile(provider string) string {
	if provider == GitHub {
		return githubFile
	}
	return gitlabFile
}

// Render gives the files of a pipeline, the pipeline itself first.
func Render(s *Spec) ([]File, error) {
	v := view{
		Spec: s, DebianImage: debianImage, GolangImage: golangImage, CheckoutPin: checkoutPin, UploadPin: uploadPin,
		DeployMinutes: deployMinutes, JobMinutes: jobMinutes, RunnerDockerfile: runnerDockerfile,
		PipelineFile: PipelineFile(s.Provider), UserVariable: "CI_REGISTRY_USER", PasswordVariable: "CI_REGISTRY_PASSWORD",
		AccessFile: accessFile, Issuer: "https://" + s.Host, Said: optionLines(s.Said),
	}
	if s.OwnRegistry {
		v.UserVariable, v.PasswordVariable = "REGISTRY_USER", "REGISTRY_PASSWORD"
	}
	main := "gitlab-ci.yml.tmpl"
	if s.Provider == GitHub {
		main, v.Issuer = "github.yml.tmpl", githubIssuer(s.Host)
	}
	var files []File
	for _, f := range []struct {
		path, template string
		executable     bool
	}{
		{PipelineFile(s.Provider), main, false},
		{runnerDockerfile, "runner.Dockerfile.tmpl", false},
		{hookFile, "pre-commit.tmpl", true},
		{accessFile, "authentication.yaml.tmpl", false},
		{readmeFile, "README.md.tmpl", false},
	} {
		text, err := execute(f.template, v)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: f.path, Executable: f.executable, Content: seal(text)})
	}
	return files, nil
}

// githubIssuer is who issues the tokens of jobs; an installation of one's own has its own.
func githubIssuer(host string) string {
	if host == "github.com" {
		return "https://token.actions.githubusercontent.com"
	}
	return "https://" + host + "/_services/token"
}

// execute fills in one template. GitHub's expressions are written ${{ }}, so ours are [[ ]].
func execute(name string, v view) (string, error) {
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").ParseFS(templates, "templates/"+name)
	if err != nil {
		return "", fmt.Errorf("reading template %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, v); err != nil {
		return "", fmt.Errorf("filling in template %s: %w", name, err)
	}
	return b.String(), nil
}
