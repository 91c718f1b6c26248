// Package webhook understands the push events of GitHub, GitLab, Gitea and Forgejo.
//
// In go HTTP requests, out come pushes: which repository, ref and commit. A push is believed only
// as a hint that there is something to fetch; what was pushed is read from the repository itself.
// The package never answers with what went wrong inside, and never reads more than a bounded body.
package webhook
