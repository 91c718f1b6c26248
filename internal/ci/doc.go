// Package ci stands for the rooms around a repository's pipeline.
//
// pipeline writes it, lint reads it, scan looks for secrets in the repository, idtoken gets the
// token of the job that is running, and report tells build services what came out of a command. None
// of them deploys: jobs run the same commands as people do.
package ci
