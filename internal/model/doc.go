// Package model holds the values that travel along the line: what a release asks for, what was
// found, rendered, planned, applied and observed, and what went wrong.
//
// Everything here is a plain value. The package does no I/O, holds no clients and logs nothing;
// every other package may import it, and it imports none of them.
package model
