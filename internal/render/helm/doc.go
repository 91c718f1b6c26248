// Package helm renders Helm charts with Helm's own loader, values and template engine.
//
// A chart on disk, layers of values and the release's names go in; objects, hooks and what Helm's
// storage keeps of a chart come out, agreeing to the byte with what `helm template` and
// `helm get manifest` show. It never talks to a cluster, a repository or a registry, reads nothing
// outside of the artifact, and mentions no sensitive value in an error.
//
// Helm's engine runs foreign programs and cannot be stopped: callers run it in a worker process.
package helm
