// Package idtoken gets the ID token that a build service issues to one job.
//
// In go the job's environment and an audience; out comes a token with what it says about itself.
// GitLab puts tokens into variables that the pipeline names (id_tokens); GitHub gives them away at
// an address that jobs with "id-token: write" are told. A token is read to say who it is for and
// until when, never to trust it: that is the API server's work. It is never written anywhere, and
// no error holds it.
package idtoken
