// Package render turns an artifact into objects: a Helm chart through Helm's own engine, a folder
// of manifests by reading it.
//
// An artifact, the release's values and what the cluster offers go in; objects in the order they
// are applied, hooks, and what Helm's storage wants to know come out. The same inputs give the
// same output, so results are kept on disk under the digest of all inputs, and charts are foreign
// programs, so they run in a worker process with limits (package worker).
//
// The package never talks to a cluster or the network and never writes outside of its cache.
package render
