// Package output prints what commands have to say: data on stdout in the format that was asked for,
// talk on stderr, as a live block on a terminal and as lines that are only added elsewhere.
//
// In come values and texts, out go bytes. The package reads no environment (internal/app does, and
// hands it in), knows no Kubernetes client, and never writes a control character that came from
// outside: a status message cannot steer the terminal it is shown on.
package output
