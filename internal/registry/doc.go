// Package registry is an adapter over go-containerregistry: it reads tags, manifests and layers
// from OCI registries.
//
// In go repository names and credentials, out come tags, manifests and content. Every read is
// bounded, content is checked against its digest, and a credential goes to no other host. It
// reads no Docker configuration of the machine, knows nothing of charts or images' meaning, and
// never writes.
package registry
