// Package plain renders a folder of manifests by reading it.
//
// An artifact's folder, on disk or where its source has it, goes in; the objects of all its YAML and JSON files come out, sorted by file
// and place. Like Flux v1 it goes into sub-folders, leaves out what begins with a dot and every
// folder that is a Helm chart. It follows no link out of the artifact and reads bounded amounts.
package plain
