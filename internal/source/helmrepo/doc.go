// Package helmrepo resolves references to charts in a Helm repository: an index.yaml over http or
// https, and chart archives beside it or elsewhere.
//
// In go the repository's URL, a credential and references; out come artifacts addressed by the
// digest of the archive, which is checked. The credential goes to the repository's own host and
// to no other.
package helmrepo
