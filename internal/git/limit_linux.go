package git

import "golang.org/x/sys/unix"

// limitFileSize keeps a process and its later children from writing a file larger than max: a
// pack of unknown size is cut off while it arrives. It is best effort; a process that is gone
// already needs no limit.
func limitFileSize(pid int, max int64) {
	_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(max), Max: uint64(max)}, nil)
}
