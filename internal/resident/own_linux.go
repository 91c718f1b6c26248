package resident

import (
	"bufio"
	"io"
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
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil
	}
	defer maps.Close()
	return clean(maps, self)
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

// clean reads proc_pid_smaps(5). It takes only mappings of the program itself that cannot be written
// to, and never were: a dynamic linker fills in addresses before it makes a page read-only, and such
// a page would be lost.
func clean(smaps io.Reader, self string) Pages {
	var pages Pages
	var at span
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		line := lines.Text()
		if s, ok := header(line); ok {
			at = span{}
			if own(line, self) {
				at = s
			}
			continue
		}
		if written, ok := strings.CutPrefix(line, "Anonymous:"); ok && at.begin < at.end && strings.Join(strings.Fields(written), " ") == "0 kB" {
			pages = append(pages, at)
		}
	}
	return pages
}

// header is the range of a mapping's first line.
func header(line string) (span, bool) {
	addresses, _, _ := strings.Cut(line, " ")
	from, to, ok := strings.Cut(addresses, "-")
	begin, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	return span{uintptr(begin), uintptr(end)}, ok && err1 == nil && err2 == nil && begin < end
}

// own reports whether a mapping is of the program's file, private and not to be written to.
func own(line, self string) bool {
	fields := strings.SplitN(line, " ", 6)
	return len(fields) == 6 && strings.TrimSpace(fields[5]) == self &&
		strings.HasPrefix(fields[1], "r-") && strings.HasSuffix(fields[1], "p")
}
