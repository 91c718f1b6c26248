// Package pack makes a chart's archive, and what a registry is told of it.
//
// A chart's files go in; the bytes of NAME-VERSION.tgz come out, the same for the same files on
// every machine and at every time: entries are sorted, and bear no time, owner or mode of the
// machine. The files are taken as they are, comments and all; only a version asked for changes a line
// of Chart.yaml.
package pack
