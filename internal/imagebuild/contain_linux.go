package imagebuild

import (
	"os/exec"
	"syscall"
)

// contain makes an interrupted build leave nothing behind: the command's mounts are its
// own and vanish with it, and ending it ends whatever it started.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
