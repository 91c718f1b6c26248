// Package open opens a chart that a command line names, and renders it.
//
// A path, an oci:// address or a name in a Helm repository goes in; an artifact in a temporary
// folder comes out, which holds the chart and the file:// dependencies it needs, nothing else of the
// machine. Charts are foreign programs: they are rendered by a worker process with limits that can
// read that folder alone. TLS is verified; http is spoken to this machine, and elsewhere only where
// the caller says so.
package open
