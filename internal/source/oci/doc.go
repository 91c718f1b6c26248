// Package oci resolves references to Helm charts in OCI registries.
//
// In go a repository ("oci://host/path/chart"), a credential and references; out come artifacts
// addressed by the digest of the chart's layer. Tags are read as versions, "_" for "+" as Helm
// writes them.
package oci
