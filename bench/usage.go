package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Usage is what a subject's processes took for some work.
type Usage struct {
	CPUSeconds float64 `json:"cpuSeconds"`
	// PeakBytes is the largest sum of resident memory over all processes of the subject, sampled;
	// HighWaterBytes adds up what the kernel says was the most of each that still runs (VmHWM).
	PeakBytes      int64 `json:"peakBytes"`
	HighWaterBytes int64 `json:"highWaterBytes"`
	// Processes are those of the subject that still run.
	Processes []Process `json:"processes,omitempty"`
}

// Process is what one process took, with the children it waited for.
type Process struct {
	Name           string  `json:"name"`
	CPUSeconds     float64 `json:"cpuSeconds"`
	HighWaterBytes int64   `json:"highWaterBytes"` // VmHWM

	pid int
}

// meter watches the processes below some roots.
type meter struct {
	roots func() []int
	began float64
	first map[int]float64 // the same of each process
	peak  int64
	stop  context.CancelFunc
	done  chan struct{}
}

const samplePeriod = 50 * time.Millisecond

// newMeter begins to measure the processes that roots names, and their descendants.
func newMeter(ctx context.Context, roots func() []int) *meter {
	ctx, cancel := context.WithCancel(ctx)
	m := &meter{roots: roots, first: map[int]float64{}, stop: cancel, done: make(chan struct{})}
	for _, pid := range family(roots()) {
		m.first[pid] = spent(pid)
		m.began += m.first[pid]
	}
	go func() {
		defer close(m.done)
		tick := time.NewTicker(samplePeriod)
		defer tick.Stop()
		for {
			var sum int64
			for _, pid := range family(roots()) {
				sum += status(pid, "VmRSS")
			}
			m.peak = max(m.peak, sum)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return m
}

// read ends the measurement.
func (m *meter) read() Usage {
	m.stop()
	<-m.done
	u := Usage{CPUSeconds: cpu(m.roots()) - m.began, PeakBytes: m.peak}
	for _, pid := range family(m.roots()) {
		p := Process{pid: pid, Name: title(pid), CPUSeconds: spent(pid) - m.first[pid], HighWaterBytes: status(pid, "VmHWM")}
		if p.Name == "" {
			continue // it has ended
		}
		u.HighWaterBytes += p.HighWaterBytes
		u.Processes = append(u.Processes, p)
	}
	return u
}

// ticks is the kernel's USER_HZ, which is 100 on every Linux that Go runs on.
const ticks = 100

// cpu is the processor time of processes, of the descendants that run, and of those that were
// waited for.
func cpu(roots []int) float64 {
	var sum float64
	for _, pid := range family(roots) {
		sum += spent(pid)
	}
	return sum
}

// spent is the processor time of a process and of the children it waited for.
func spent(pid int) float64 {
	fields := stat(pid)
	if len(fields) < 15 {
		return 0
	}
	var sum int64
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime; proc_pid_stat(5)
		n, _ := strconv.ParseInt(f, 10, 64)
		sum += n
	}
	return float64(sum) / ticks
}

// title is the program of a process, and its subcommand where its first argument is one. A process
// that has ended has none.
func title(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(data) == 0 {
		return ""
	}
	args := strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
	name := filepath.Base(args[0])
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") && !strings.ContainsAny(args[1], "/:= ") {
		name += " " + args[1]
	}
	return name
}

// stat are the fields of /proc/PID/stat after the command's name.
func stat(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil // it has ended
	}
	_, rest, _ := bytes.Cut(data, []byte(") "))
	return strings.Fields(string(rest))
}

// status is a line of /proc/PID/status in bytes.
func status(pid int, field string) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it has ended
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// family are processes with all their descendants.
func family(roots []int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return roots
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := stat(pid); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := slices.Clone(roots)
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}
