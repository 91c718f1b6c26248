package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Result is everything that one call of the program measured.
type Result struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	Machine Machine   `json:"machine"`
	Runs    []Run     `json:"runs"`

	file string // the name of its files, without extension
}

// Machine is where it was measured.
type Machine struct {
	CPUs        int    `json:"cpus"`
	CPU         string `json:"cpu,omitempty"`
	MemoryBytes int64  `json:"memoryBytes,omitempty"`
	Kernel      string `json:"kernel,omitempty"`
	Go          string `json:"go"`
	Kubernetes  string `json:"kubernetes,omitempty"`
}

// Run is one workload of one subject with one number of releases.
type Run struct {
	Subject  string `json:"subject"`
	Workload string `json:"workload"`
	Releases int    `json:"releases,omitempty"`
	// Seconds is how long all of it took, or lasted. Where single events were timed, Samples has each
	// of them in milliseconds.
	Seconds  float64   `json:"seconds"`
	Samples  []float64 `json:"samplesMs,omitempty"`
	Usage    Usage     `json:"usage"`
	Cluster  Process   `json:"cluster"`            // the control plane and its database, all in one process
	Requests Requests  `json:"requests,omitempty"` // answered meanwhile, without this program's
	Renders  int64     `json:"renders"`            // -1 where the subject does not say
	GitLists int64     `json:"gitLists"`
	Fetches  int64     `json:"gitFetches"`
	Registry int64     `json:"registryRequests"`
	Missing  string    `json:"missing,omitempty"` // why there is nothing else
}

// Value is what the run is compared by: the median of single events, else the whole time.
func (r *Run) Value() float64 {
	if len(r.Samples) > 0 {
		return quantile(r.Samples, 0.5) / 1000
	}
	return r.Seconds
}

// quantile of values, which need not be sorted.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// find gives the run of a subject, or nil.
func (r *Result) find(subject, workload string, n int) *Run {
	for i := range r.Runs {
		if run := &r.Runs[i]; run.Subject == subject && run.Workload == workload && run.Releases == n {
			return run
		}
	}
	return nil
}

// subjects, and sizes, in the order they were measured.
func (r *Result) subjects() []string {
	var all []string
	for i := range r.Runs {
		if s := r.Runs[i].Subject; !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func (r *Result) sizes() []int {
	var all []int
	for i := range r.Runs {
		if n := r.Runs[i].Releases; n > 0 && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// name of the result's files in a folder: of the day and the commit, and a number where an earlier run has
// that already.
func (r *Result) name(dir string) string {
	if r.file != "" {
		return r.file
	}
	base := fmt.Sprintf("%s-%.10s", r.Date.Format(time.DateOnly), strings.TrimSuffix(r.Commit, dirty))
	if strings.HasSuffix(r.Commit, dirty) {
		base += dirty
	}
	if len(r.sizes()) == 0 {
		base += "-" + workCommands
	}
	r.file = base
	for k := 2; ; k++ {
		if _, err := os.Stat(filepath.Join(dir, r.file+".json")); err != nil {
			return r.file
		}
		r.file = fmt.Sprintf("%s-%d", base, k)
	}
}

// dirty ends the commit of a tree with changes.
const dirty = "-dirty"

// write puts the result beside its page and plots.
func (r *Result) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, r.name(dir)+".json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return writePage(r, dir)
}

func thisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(data))
	}
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int64
		if _, err := fmt.Sscanf(string(data), "MemTotal: %d kB", &kb); err == nil {
			m.MemoryBytes = kb << 10
		}
	}
	return m
}
