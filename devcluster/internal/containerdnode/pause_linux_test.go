package containerdnode

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestPauseProgram runs the program made here: it must stay, and end when it is killed.
func TestPauseProgram(t *testing.T) {
	program, err := pauseProgram(runtime.GOARCH)
	if err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "pause")
	if err := os.WriteFile(file, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// Once it sleeps in the kernel it has done all it ever does.
	for {
		stat, err := os.ReadFile(filepath.Join("/proc", itoa(cmd.Process.Pid), "wchan"))
		if err != nil {
			t.Fatalf("the program ended: %v (%v)", <-ended, err)
		}
		state, err := os.ReadFile(filepath.Join("/proc", itoa(cmd.Process.Pid), "stat"))
		if err == nil && sleeping(string(state)) {
			t.Logf("sleeping in %s", stat)
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGCHLD); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = <-ended
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, want SIGTERM", err)
	}
}
