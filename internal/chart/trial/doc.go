// Package trial asks a real API server about objects without keeping any.
//
// A way to a server and objects go in; what the server says of each comes out. Every request is a
// dry run, in a namespace made for it and deleted at the end, or in one that was named and is left as
// it is. Nothing else is written.
package trial
