// Package report writes what a run found in the forms that build services read: JUnit XML, GitLab's
// code quality, GitLab's log sections, GitHub's workflow commands and job summary.
//
// In come plain values, out goes text. Every text is escaped for where it goes: a message cannot
// open a section, set an output or end an annotation. The package reads no environment and no
// files, and is never handed a secret's value: what it gets was masked where it was found.
package report
