package worker

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// isolations are ways to start a worker, the strictest first: without a network where the system
// permits it, in any case in a process group of its own that dies with this process.
func isolations() []func(*exec.Cmd) {
	with := func(flags uintptr) func(*exec.Cmd) {
		return func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: flags}
			if flags&syscall.CLONE_NEWUSER != 0 {
				uid, gid := os.Getuid(), os.Getgid()
				cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
				cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
			}
		}
	}
	if os.Geteuid() == 0 {
		return []func(*exec.Cmd){with(syscall.CLONE_NEWNET), with(0)}
	}
	return []func(*exec.Cmd){with(syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET), with(0)}
}

func killGroup(p *os.Process) {
	if err := syscall.Kill(-p.Pid, syscall.SIGKILL); err != nil {
		_ = p.Kill() // already gone, or not yet in its group
	}
}

const memoryCheck = 25 * time.Millisecond

// watchMemory kills the process when it holds more memory than it may. The worker's own limit is
// hit before; this is for a system where that could not be set.
func (p *process) watchMemory(done <-chan struct{}) {
	if p.limits.Memory <= 0 {
		return
	}
	ticks := time.NewTicker(memoryCheck)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticks.C:
			if memory(p.cmd.Process.Pid).resident > p.limits.Memory+baseMemory {
				p.kill(errTooMuch)
				return
			}
		}
	}
}

// baseMemory is more than a worker takes before its first job.
const baseMemory = 128 << 20

// spent reports whether earlier jobs left the process so large that the next one might break a
// limit on their account: Go keeps what it mapped once.
func (p *process) spent() bool {
	return p.limits.Memory > 0 && memory(p.cmd.Process.Pid).data-p.base > p.limits.Memory/2
}

// measure notes what the process takes before its first job.
func (p *process) measure() { p.base = memory(p.cmd.Process.Pid).data }

// usage is a process's memory in bytes, zero where it cannot be told.
type usage struct {
	resident int64
	data     int64 // mapped, private and writable: what RLIMIT_DATA counts
}

// memory reads /proc/PID/statm, whose second and sixth fields are resident and data (proc(5)).
func memory(pid int) usage {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return usage{}
	}
	fields := bytes.Fields(text)
	if len(fields) < 6 {
		return usage{}
	}
	bytesOf := func(field []byte) int64 {
		pages, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0
		}
		return pages * int64(os.Getpagesize())
	}
	return usage{resident: bytesOf(fields[1]), data: bytesOf(fields[5])}
}
