// Package source turns a model.Ref into a model.Artifact: a folder on disk, or the files of
// one where they are, whose digest stands for all of its content.
//
// In go references to Git repositories, Helm repositories, OCI charts and local folders. Out come
// resolutions (which digest a reference means according to what was last observed) and artifacts.
// However many releases use a repository, it is read once an interval; a release is reported as
// changed only when the content it refers to has another digest than before.
//
// The package never writes to a repository, never takes a failed read for emptiness (the last
// good resolution stays, the error beside it), and never hands out a file that lies, or a link
// that leads, outside of an artifact's root.
package source
