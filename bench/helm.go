package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// helmLoop is what a pipeline does: the helm binary, once for each release.
type helmLoop struct {
	bin string
	w   *world

	mu    sync.Mutex
	usage Usage
}

// Name is how tables call it.
func (h *helmLoop) Name() string { return "helm upgrade --install" }

// Start has nothing to start.
func (h *helmLoop) Start(_ context.Context, w *world) error { h.w = w; return nil }

// Restart has nothing to start.
func (h *helmLoop) Restart(context.Context) error { return nil }

// Kill has nothing to end.
func (h *helmLoop) Kill() {}

// Processes live too short to be looked at: see Account.
func (h *helmLoop) Processes() []int { return nil }

// Account is what the processes took since it was last asked: their processor time, and the largest
// of them times how many ran at once.
func (h *helmLoop) Account() Usage {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.usage
	u.PeakBytes = u.HighWaterBytes * int64(helmParallel)
	h.usage = Usage{}
	return u
}

// Repairs is false: nothing looks between two pipelines.
func (h *helmLoop) Repairs() bool { return false }

// Renders says nothing.
func (h *helmLoop) Renders(context.Context) (int64, error) { return -1, nil }

// helmParallel is one for each processor.
var helmParallel = runtime.NumCPU()

// Request installs all of them.
func (h *helmLoop) Request(ctx context.Context, n int) error {
	return each(ctx, n, helmParallel, h.upgrade)
}

func (h *helmLoop) upgrade(ctx context.Context, i int) error {
	name := releaseName(i)
	cmd := exec.CommandContext(ctx, h.bin, "upgrade", "--install", name, filepath.Join(h.w.fleet.work, chartPath),
		"--namespace", namespace, "--kubeconfig", h.w.kubeconfig, "--values", filepath.Join(h.w.fleet.work, valuesPath(i)), "--wait", "--timeout", "5m")
	out, err := cmd.CombinedOutput()
	h.note(cmd)
	if err != nil {
		return errors.Join(fmt.Errorf("helm upgrade --install %s: %w", name, err), errors.New(string(out)))
	}
	return nil
}

func (h *helmLoop) note(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.usage.CPUSeconds += float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()) / float64(time.Second)
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		h.usage.HighWaterBytes = max(h.usage.HighWaterBytes, r.Maxrss<<10)
	}
}

// Ready has nothing to wait for.
func (h *helmLoop) Ready(context.Context, int) error { return nil }

// Pushed upgrades what the commit touched, as a pipeline would.
func (h *helmLoop) Pushed(ctx context.Context, touched []int) error {
	return each(ctx, len(touched), helmParallel, func(ctx context.Context, k int) error { return h.upgrade(ctx, touched[k]) })
}
