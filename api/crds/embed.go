// Package crds carries the custom resource definitions of the kinds under api/, as generated from
// their Go types by "make generate".
package crds

import "embed"

// Files are the definitions, one YAML file each.
//
//go:embed *.yaml
var Files embed.FS
