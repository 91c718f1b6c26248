package local

import "syscall"

// endWithParent lets a process end in order when the one that started it is killed.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGTERM }
