// Package ci runs the pipeline that "fairlead ci init gitlab" writes, from a commit to production:
// gitlab-ci-local reads it and runs its jobs in shells of this machine, buildah builds the image for
// real, a registry with a password and a certificate of its own takes it, and a real API server
// accepts the jobs by the ID tokens of an issuer, in the way that ci/authentication.yaml says.
//
// What stands in for GitLab is the issuer, the registry and the variables. The node is simulated: the
// pods do not run, but an image that the registry does not have is missing there as well.
package ci
