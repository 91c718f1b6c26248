// Package artifact keeps the content of sources on disk, each under the digest of its content.
//
// In go digests and functions that write content, out come folders. A folder appears complete or
// not at all, is never changed afterwards, and is removed only when nothing uses it and space is
// needed.
package artifact
