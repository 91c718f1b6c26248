// Package values is the flags that give values to a chart: Helm's own, with Helm's precedence.
//
// Flags and files go in, layers of values come out, the last one on top: files in their order, then
// --set-json, --set, --set-string, --set-file and --set-literal. Every file is read and every
// argument is parsed here, so that what is wrong with them is told before anything else happens; how
// layers become values is the renderer's alone. No message quotes a value: pipelines keep their logs.
package values
