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
	for line, want := range map[string]bool{
		"00400000-00500000 r-xp 00000000 fe:00 1   /usr/bin/fair lead":           true,
		"00500000-00600000 r--p 00100000 fe:00 1   /usr/bin/fair lead":           true,
		"00600000-00700000 rw-p 00200000 fe:00 1   /usr/bin/fair lead":           false,
		"00600000-00700000 r--s 00200000 fe:00 1   /usr/bin/fair lead":           false,
		"00500000-00600000 r--p 00100000 fe:00 1   /usr/bin/fair lead (deleted)": false,
		"00700000-00800000 r--p 00000000 fe:00 2   /usr/lib/libc.so":             false,
		"7ffd000-7ffe000 r-xp 00000000 00:00 0     [vdso]":                       false,
		"nonsense": false,
	} {
		if _, ok := clean(line, self); ok != want {
			t.Errorf("%s: %v, want %v", line, ok, want)
		}
	}
}
