// Package releases turns the objects that ask for releases into one view of them, whatever their
// kind.
//
// In come HelmReleases, Applications and the records of root syncs as the API server has them, and
// the metadata of Helm's release Secrets; out go Views, once or as a stream. It needs no controller
// to be reachable, writes nothing, and never shows a failed read as "there are none": a kind whose
// CRD is not installed has no objects, a kind that may not be read is an error, or where Helm's records of one namespace can be read, a note.
package releases
