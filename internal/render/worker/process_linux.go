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
			if resident(p.cmd.Process.Pid) > p.limits.Memory+baseMemory {
				p.kill(errTooMuch)
				return
			}
		}
	}
}

// baseMemory is more than a worker takes before its first job.
const baseMemory = 128 << 20

// resident is a process's memory, 0 when it cannot be told.
func resident(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
