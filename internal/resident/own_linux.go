package resident

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Pages are where the program's own file lies in memory, as far as nobody can write there.
type Pages []span

type span struct{ begin, end uintptr }

// Own finds the pages of this process. None are found where the system does not tell.
func Own() Pages {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil
	}
	defer maps.Close()
	var pages Pages
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if s, ok := clean(lines.Text(), self); ok {
			pages = append(pages, s)
		}
	}
	return pages
}

// Trim gives back the heap's free pages, and the pages of the program's own file that were read in
// so far. Starting a program that links Kubernetes' and Helm's packages touches most of its code
// once, in initialisers that never run again: some 38 MB that count as this process's memory.
func (p Pages) Trim() {
	debug.FreeOSMemory()
	for _, s := range p {
		// Nobody wrote to these pages: the system has them in its cache and gives them again. An
		// error leaves things as they are.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, s.begin, s.end-s.begin, unix.MADV_DONTNEED)
	}
}

// clean reads a line of proc_pid_maps(5). It is ok only for a mapping of the program itself that
// cannot be written to: a written page would be lost.
func clean(line, self string) (span, bool) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) < 6 || strings.TrimSpace(fields[5]) != self || !strings.HasPrefix(fields[1], "r-") || !strings.HasSuffix(fields[1], "p") {
		return span{}, false
	}
	from, to, _ := strings.Cut(fields[0], "-")
	begin, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	return span{uintptr(begin), uintptr(end)}, err1 == nil && err2 == nil && begin < end
}
