// Package imagebuild turns a directory with a Dockerfile into an image in a registry.
//
// In come a build context, the image's name and a directory to keep things in; out goes
// the digest the registry has the image under. The work is buildah's. The base image is
// either the one the caller names, or one made here from Debian packages that debootstrap
// resolves, downloads and verifies, taken from the mirror the machine's apt uses; so that
// a machine without a public registry builds too. Base and image are kept under a digest
// of all their inputs: what has been built once is only pushed.
//
// Where buildah or debootstrap is missing, Build makes an image of the context's files
// alone. It has a digest and can be pulled, so that everything about a release but the
// running process can be shown on a simulated node; it cannot run, and says so in a label.
//
// The package never pulls from a public registry unasked, never writes outside CacheDir,
// and speaks plain HTTP to no registry but one on a loopback address.
package imagebuild
