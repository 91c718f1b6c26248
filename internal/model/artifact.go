package model

import "io/fs"

// Revision says where an artifact comes from, for people and records.
type Revision struct {
	Ref     string `json:"ref,omitempty"`     // what the request resolved to: "main", "v1.2.0"
	Commit  string `json:"commit,omitempty"`  // full Git commit ID
	Version string `json:"version,omitempty"` // chart version, from a Helm repository or registry
	Digest  string `json:"digest,omitempty"`  // of an OCI manifest or a chart archive: "sha256:..."
}

// Short is what fits in a table: the first seven characters of the commit, or the version.
func (r Revision) Short() string {
	switch {
	case len(r.Commit) >= 7:
		return r.Commit[:7]
	case r.Version != "":
		return r.Version
	}
	return r.Ref
}

// Artifact is the content of a source at one moment, on disk and addressed by its content. Two
// commits that leave a chart untouched give the same Digest.
type Artifact struct {
	Dir      string // root; nothing outside of it belongs to the artifact, no link leaves it
	Path     string // the chart or the manifests, below Dir, slash-separated; "." is Dir itself
	Digest   string // of all of the content: equal digests are equal content
	Revision Revision

	// A chart that many releases share lies in one Dir for all of them: then Chart is the digest of that
	// alone, and Beside the folder of what else belongs to the artifact, its values files, each at the
	// path it has in the source. Both are empty where all lies in Dir.
	Chart  string
	Beside string

	// Files is the same content where it was not put on disk, by the paths that it would have below Dir,
	// which is empty then. An entry of a folder that knows has a method ContentID() string: equal IDs
	// are equal content.
	Files fs.FS
}
