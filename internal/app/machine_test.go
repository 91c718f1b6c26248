package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// procOf is what a kernel tells of itself; an empty boot is none.
func procOf(t *testing.T, boot, space string) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"sys/kernel/random", "self/ns"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if boot != "" {
		if err := os.WriteFile(filepath.Join(dir, "sys/kernel/random/boot_id"), []byte(boot+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if space != "" {
		if err := os.Symlink(space, filepath.Join(dir, "self/ns/pid")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Machines of the same name in their first PID namespace differ in nothing but the boot ID.
func TestIsDead(t *testing.T) {
	const first = "pid:[4026531836]"
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	gone, self := ended.Process.Pid, os.Getpid()
	here := thisMachine(procOf(t, "0b8c9a4e-1", first))
	for name, tt := range map[string]struct {
		on   machine
		proc string
		want bool
	}{
		"one that ended here":          {here, here.process(gone), true},
		"this one":                     {here, here.process(self), false},
		"another machine":              {here, thisMachine(procOf(t, "7f00a1b2-2", first)).process(gone), false},
		"another namespace":            {here, thisMachine(procOf(t, "0b8c9a4e-1", "pid:[4026532000]")).process(gone), false},
		"no boot ID":                   {thisMachine(procOf(t, "", first)), thisMachine(procOf(t, "", first)).process(gone), false},
		"no namespace":                 {thisMachine(procOf(t, "0b8c9a4e-1", "")), thisMachine(procOf(t, "0b8c9a4e-1", "")).process(gone), false},
		"a name of an earlier release": {here, here.host + " " + first + " 1", false},
		"no name":                      {here, "", false},
	} {
		if got := tt.on.isDead(tt.proc); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
