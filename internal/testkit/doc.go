// Package testkit holds the servers that Fairlead is tested against, and that "fairlead up" runs:
// a Git server over smart HTTP, an OCI registry, a Helm repository and, for tests, the
// development cluster.
//
// In go folders and addresses, out come URLs. Each server is an http.Handler that can also listen
// by itself. They are real servers, not fakes: git, containerd, buildah and helm talk to them.
// They are made for one machine: no TLS, and no accounts beyond one user name and password.
package testkit
