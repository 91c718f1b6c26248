// Package observe tells build services of runs: GitLab's log gets sections, GitHub's log groups,
// annotations and a summary of the job, and whoever wants one a JUnit report.
//
// In come the calls of deploy.Observer, out goes text. What objects, events and logs say is foreign:
// it is escaped for where it goes, so that a pod's log cannot open a section or give the runner a
// command. Values of Secrets were masked before they get here. The package reads no environment.
package observe
