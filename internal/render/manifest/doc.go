// Package manifest reads Kubernetes objects from YAML and JSON.
//
// The text of a file or a rendered template goes in; objects with canonical bodies, or an error
// that names the file and line, come out. It does not know which kinds exist, fills in no
// defaults and leaves an empty namespace empty.
package manifest
