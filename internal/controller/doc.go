// Package controller keeps releases as their requests say.
//
// In come events: a request object changed, an artifact changed, a live object drifted, someone
// asked. For each the engine observes, decides, acts through the pipeline and writes the status
// of the request, once. There is a file per kind of request; kinds differ only in how a request
// is read and how its outcome is recorded.
//
// The package never changes desired state, and never acts on a read that failed.
package controller
