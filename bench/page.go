package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// titles of the workloads, and what a row of theirs says.
var titles = []struct{ workload, title, says string }{
	{workMTTP, "From nothing to ready", "All releases are asked for at once; the clock stops when the last one says it is ready (MTTP of fluxcd/flux-benchmark)."},
	{workRest, "At rest", "Nothing happens. Requests are all but watches and leases; those of the floor are what Kubernetes asks of itself, in a minute at most."},
	{workOne, "One of N", "A commit touches the values of one release; the clock runs from the push event until the live object shows it."},
	{workAll, "All of N", "A commit touches the chart; the clock runs from the push event until the last live object shows it."},
	{workDrift, "Drift", "An object is patched by hand; the clock runs until the watch shows it as it was."},
	{workRestart, "Restart", "Killed, and an object patched meanwhile; the clock runs from the start of the process until it is undone. It lists by watches, which are not counted."},
}

// writePage writes the tables as Markdown, and the plots beside them.
func writePage(r *Result, dir string) error {
	var b strings.Builder
	name := r.name(dir)
	fmt.Fprintf(&b, "# Benchmark of %s at %s\n\n", r.Date.Format(time.DateOnly), r.Commit)
	fmt.Fprintf(&b, "%d processors (%s), %d GiB, Linux %s, %s.\n",
		r.Machine.CPUs, r.Machine.CPU, r.Machine.MemoryBytes>>30, r.Machine.Kernel, r.Machine.Go)
	if len(r.sizes()) > 0 {
		b.WriteString("A chart of four objects (Deployment at 0 replicas, Service, ServiceAccount, ConfigMap). " +
			"The floor is a bare client that sends only the writes the work needs; × is the ratio to it in the same run.\n")
		b.WriteString("Requests and processor time are those until all is at rest again; watches and discovery are not counted.\n")
		for _, t := range titles {
			if slices.ContainsFunc(r.Runs, func(run Run) bool { return run.Workload == t.workload }) {
				fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", t.title, t.says, r.table(t.workload))
			}
		}
		fmt.Fprintf(&b, "\n## Processes\n\n%s", r.processes())
		fmt.Fprintf(&b, "\n## Cost per release\n\n%s\n", r.growth())
	}
	plots := []plot{
		{file: name + "-mttp.svg", title: "From nothing to ready", unit: "seconds", value: func(run *Run) float64 { return run.Seconds }, workload: workMTTP},
		{file: name + "-cpu.svg", title: "Processor time per release, from nothing to ready", unit: "milliseconds", workload: workMTTP,
			value: func(run *Run) float64 { return run.Usage.CPUSeconds * 1000 / float64(run.Releases) }},
	}
	for _, p := range plots {
		svg := p.draw(r)
		if svg == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, p.file), []byte(svg), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n![%s](%s)\n", p.title, p.file)
	}
	b.WriteString(r.commandTable())
	return os.WriteFile(filepath.Join(dir, name+".md"), []byte(b.String()), 0o644)
}

// table has a row for each subject and number of releases.
func (r *Result) table(workload string) string {
	var b strings.Builder
	b.WriteString("| releases | subject | time | × floor | p99 | CPU | memory | control plane | requests | a release | renders | Git | registry |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range r.sizes() {
		for _, s := range r.subjects() {
			run := r.find(s, workload, n)
			if run == nil {
				continue
			}
			if run.Missing != "" {
				fmt.Fprintf(&b, "| %d | %s | %s |||||||||||\n", n, s, strings.ReplaceAll(firstLine(run.Missing), "|", "/"))
				continue
			}
			floor := r.find(floorName, workload, n)
			requests := run.Requests.Total()
			fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s | %s | %s | %d | %s | %s | %d | %d |\n", n, s, run.timeText(), ratio(run, floor), run.p99(),
				run.cpuText(), run.memory(), run.share(run.Cluster.CPUSeconds), requests, perRelease(run, floor), run.renders(),
				run.GitLists+run.Fetches, run.Registry)
		}
	}
	return b.String()
}

// processes has a row for each process of each subject while the most releases become ready.
func (r *Result) processes() string {
	var b strings.Builder
	n := slices.Max(r.sizes())
	fmt.Fprintf(&b, "From nothing to ready with %d releases: processor time, with the children that a process waited for, and the most memory it had (VmHWM).\n\n", n)
	b.WriteString("| subject | process | CPU | memory |\n|---|---|---|---|\n")
	for _, s := range r.subjects() {
		run := r.find(s, workMTTP, n)
		if run == nil {
			continue
		}
		for _, p := range append(run.Usage.Processes[:len(run.Usage.Processes):len(run.Usage.Processes)], run.Cluster) {
			fmt.Fprintf(&b, "| %s | %s | %.2f s | %d MiB |\n", s, p.Name, p.CPUSeconds, p.HighWaterBytes>>20)
		}
	}
	return b.String()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (r *Run) timeText() string {
	if len(r.Samples) > 0 {
		return fmt.Sprintf("%.1f ms (median of %d)", quantile(r.Samples, 0.5), len(r.Samples))
	}
	return fmt.Sprintf("%.2f s", r.Seconds)
}

func (r *Run) p99() string {
	if len(r.Samples) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", quantile(r.Samples, 0.99))
}

func (r *Run) cpuText() string {
	if r.Subject == floorName {
		return ""
	}
	return r.share(r.Usage.CPUSeconds)
}

// share is processor time; at rest it is a part of a processor.
func (r *Run) share(seconds float64) string {
	if r.Workload == workRest {
		return fmt.Sprintf("%.2f %% of a core", 100*seconds/r.Seconds)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func (r *Run) memory() string {
	if r.Usage.PeakBytes == 0 {
		return ""
	}
	return fmt.Sprintf("%d MiB", r.Usage.PeakBytes>>20)
}

func (r *Run) renders() string {
	if r.Renders < 0 || r.Subject == floorName {
		return ""
	}
	return fmt.Sprint(r.Renders)
}

// floorName is the subject that all are compared with.
const floorName = "floor"

func ratio(run, floor *Run) string {
	if floor == nil || run == floor || run.Workload == workRest || floor.Value() <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", run.Value()/floor.Value())
}

// writes are what the floor sends for a release in a workload; the rest of what the API server
// answers meanwhile is Kubernetes' own (replica sets, endpoints), and the same for every subject.
var writes = map[string]int64{workMTTP: 6, workAll: 3}

// perRelease is how many requests are the subject's own.
func perRelease(run, floor *Run) string {
	own, known := writes[run.Workload]
	if !known || floor == nil {
		return ""
	}
	background := floor.Requests.Total() - own*int64(run.Releases)
	return fmt.Sprintf("%.2f", float64(run.Requests.Total()-background)/float64(run.Releases))
}

// growth says how the cost of a release grows with the number of them: the exponent of the power law
// that fits best; 1 is linear.
func (r *Result) growth() string {
	if len(r.sizes()) < 2 {
		return "It takes two numbers of releases to tell."
	}
	var b strings.Builder
	b.WriteString("The exponent k of the power law N^k that fits the measurements best; 1 is linear.\n\n| subject | time | CPU | memory |\n|---|---|---|---|\n")
	for _, s := range r.subjects() {
		var n, seconds, cpu, memory []float64
		for _, size := range r.sizes() {
			if run := r.find(s, workMTTP, size); run != nil && run.Missing == "" {
				n = append(n, float64(size))
				seconds = append(seconds, run.Seconds)
				cpu = append(cpu, run.Usage.CPUSeconds)
				memory = append(memory, float64(run.Usage.PeakBytes))
			}
		}
		if len(n) > 1 {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s, exponent(n, seconds), exponent(n, cpu), exponent(n, memory))
		}
	}
	return b.String()
}

// exponent is the slope of the least-squares line through the logarithms.
func exponent(x, y []float64) string {
	var sx, sy, sxx, sxy float64
	for i := range x {
		if y[i] <= 0 {
			return ""
		}
		lx, ly := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+lx, sy+ly, sxx+lx*lx, sxy+lx*ly
	}
	n := float64(len(x))
	return fmt.Sprintf("%.2f", (n*sxy-sx*sy)/(n*sxx-sx*sx))
}
