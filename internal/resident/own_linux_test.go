package resident

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What is left after Trim is less, and the program goes on.
func TestTrim(t *testing.T) {
	before := fileBacked(t)
	Own().Trim()
	after := fileBacked(t)
	t.Logf("file-backed memory: %d kB before, %d kB after", before, after)
	if after >= before {
		t.Errorf("%d kB are resident, %d kB were before", after, before)
	}
}

func fileBacked(t *testing.T) (kb int) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "RssFile:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Skipf("this system does not tell: %v", err)
	}
	return kb
}

func TestClean(t *testing.T) {
	const self = "/usr/bin/fair lead"
	for _, c := range []struct {
		name, line, anonymous string
		want                  bool
	}{
		{"code", "00400000-00500000 r-xp 00000000 fe:00 1   /usr/bin/fair lead", "0 kB", true},
		{"constants", "00500000-00600000 r--p 00100000 fe:00 1   /usr/bin/fair lead", "0 kB", true},
		{"relocated", "00500000-00600000 r--p 00100000 fe:00 1   /usr/bin/fair lead", "8 kB", false},
		{"variables", "00600000-00700000 rw-p 00200000 fe:00 1   /usr/bin/fair lead", "0 kB", false},
		{"shared", "00600000-00700000 r--s 00200000 fe:00 1   /usr/bin/fair lead", "0 kB", false},
		{"deleted", "00500000-00600000 r--p 00100000 fe:00 1   /usr/bin/fair lead (deleted)", "0 kB", false},
		{"another file", "00700000-00800000 r--p 00000000 fe:00 2   /usr/lib/libc.so", "0 kB", false},
		{"the kernel's", "7ffd000-7ffe000 r-xp 00000000 00:00 0     [vdso]", "0 kB", false},
		{"nonsense", "nonsense", "0 kB", false},
	} {
		smaps := c.line + "\nSize:               1024 kB\nAnonymous:          " + c.anonymous + "\nVmFlags: rd ex\n"
		if got := clean(strings.NewReader(smaps), self); (len(got) == 1) != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
