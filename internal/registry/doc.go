// Package registry is an adapter over go-containerregistry: it reads tags, manifests and layers
// from OCI registries, and pushes content.
//
// In go repository names and credentials, out come tags, manifests and content. Every read is
// bounded, content is checked against its digest, and a credential goes to no other host. It
// reads Docker's configuration where it is told which files those are, knows nothing of charts or
// images' meaning, and writes nothing but what Push is given.
package registry
