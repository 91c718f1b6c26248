// Package scan looks for secrets in the files, the index or the history of a repository.
//
// In goes a folder and what of it to look at; out come findings: a rule, a place, a fingerprint. The
// rules and what may be left out (.gitleaks.toml, .gitleaksignore, "gitleaks:allow") are gitleaks'.
//
// The package never gives out a secret, nor a part of one, nor the line it stands in. It writes
// nothing, follows no link, and reads a bounded amount of each file; what it did not read it names.
// A part of the repository that cannot be read is an error: never a repository without secrets.
package scan
