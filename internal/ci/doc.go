// Package ci stands for the rooms around a repository's pipeline.
//
// pipeline writes it, lint reads it, scan looks for secrets in the repository, idtoken gets the
// token of the job that is running, observe tells build services of a deployment while it runs, and
// report knows the forms they read. None of them deploys: jobs run the same commands as people do.
package ci
