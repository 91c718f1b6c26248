// Package lint reads the pipelines of a repository and names what is dangerous or missing in them.
//
// In go GitLab's .gitlab-ci.yml (with anchors, extends, !reference, default and include: local) and
// GitHub's workflows; out come findings: a rule, a place, why it matters and what to write instead.
// Both are read into one small model of jobs and commands (pipeline.go), so that most rules are
// written once. The list of rules is in rules.go; a rule is a function from a pipeline to places.
//
// The package runs nothing, expands no file outside the repository, reads a bounded amount, and
// sends nothing anywhere. What cannot be read is an error: never a pipeline without findings.
package lint
