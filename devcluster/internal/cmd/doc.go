// Package cmd is the command line of fairlead-devcluster.
//
// In go arguments; out come one JSON line on stdout when the cluster is ready, talk on
// stderr, and an exit code: 0 after being asked to stop, 1 when the cluster could not
// start or a part of it failed, 2 for wrong usage.
package cmd
