// Package git resolves references to Git repositories.
//
// In go a repository's address, a credential and references; out come artifacts addressed by the
// IDs of the trees and blobs they consist of. A repository is kept once on disk, without history,
// however many releases use it, and what is in it is read without checking anything out.
//
// The package decides which ref a reference means, and what to say when it means none; talking to
// remotes is left to internal/git. It polls nothing by itself.
package git
