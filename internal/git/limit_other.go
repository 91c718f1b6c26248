//go:build !linux

package git

// limitFileSize needs prlimit, which only Linux has; elsewhere the time limit alone bounds a fetch.
func limitFileSize(int, int64) {}
