package git

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// limitFileSize keeps a command's process group from writing a file larger than max: a pack of
// unknown size is cut off while it arrives. What a limited process starts inherits the limit; git
// starts its transport before it reads its input, so what it started meanwhile is looked for until
// nothing new is found.
func limitFileSize(group int, max int64) {
	limit := &unix.Rlimit{Cur: uint64(max), Max: uint64(max)}
	limited := map[int]bool{group: true}
	_ = unix.Prlimit(group, unix.RLIMIT_FSIZE, limit, nil)
	for found := true; found; {
		found = false
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || limited[pid] {
				continue
			}
			if of, err := unix.Getpgid(pid); err != nil || of != group {
				continue
			}
			_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, limit, nil)
			limited[pid], found = true, true
		}
	}
}
