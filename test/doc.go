// Package test holds stories: testscript files (https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript)
// that run the program as people do. A story is a test and an example at once; what needs a
// cluster stands in stories of its own.
package test
