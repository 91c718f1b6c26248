// Package chartref is the flags that say where a chart comes from and how to get at it, with Helm's
// names: --repo, --version, --username, --ca-file and so on.
//
// Flags and an argument go in, an open.Ask comes out. A password is read from stdin alone: what
// stands on a command line is seen by every process of the machine and kept by shells and CI logs.
package chartref
