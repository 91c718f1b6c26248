package app

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// procDir is where the kernel tells of itself.
const procDir = "/proc"

// machine is where the numbers of processes mean something.
type machine struct {
	host  string
	boot  string // this start of this kernel; "" is unknown
	space string // the PID namespace; "" is unknown
}

// thisMachine tells one machine from all others. Neither its name nor its PID namespace does so: names
// are given twice, and the first namespace bears the same number everywhere. The kernel draws a new
// boot ID at every start.
func thisMachine(proc string) machine {
	var m machine
	m.host, _ = os.Hostname()
	if boot, err := os.ReadFile(filepath.Join(proc, "sys/kernel/random/boot_id")); err == nil {
		m.boot = strings.Join(strings.Fields(string(boot)), "")
	}
	m.space, _ = os.Readlink(filepath.Join(proc, "self/ns/pid"))
	return m
}

// process names a process of this machine.
func (m machine) process(pid int) string {
	return strings.Join([]string{m.host, m.boot, m.space, strconv.Itoa(pid)}, " ")
}

// isDead reports whether a process of this machine is known to have ended. Where it is not known which
// machine this is, nothing is known of any process.
func (m machine) isDead(name string) bool {
	if m.boot == "" || m.space == "" {
		return false
	}
	at := strings.LastIndexByte(name, ' ')
	pid, err := strconv.Atoi(name[at+1:])
	if err != nil || pid <= 0 || name != m.process(pid) {
		return false
	}
	return syscall.Kill(pid, 0) == syscall.ESRCH
}
