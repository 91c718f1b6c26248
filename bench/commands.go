package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// commandLine is one command that is run again and again.
type commandLine struct {
	subject, workload string
	args              []string
	samples           int
}

// measureCommands times commands as a user would, each in a process of its own, and those that are
// compared in turns, so that what else the machine does falls on both.
func measureCommands(ctx context.Context, o options) ([]Run, error) {
	cluster, err := testkit.StartCluster(ctx, testkit.ClusterOptions{Bin: o.devcluster, Node: "none"})
	if err != nil {
		return nil, err
	}
	defer cluster.Stop()
	lines, err := commandLines(o.helm, cluster.Kubeconfig)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, len(lines))
	for i, l := range lines {
		runs[i] = Run{Subject: l.subject, Workload: l.workload, Renders: -1}
		if l.args[0] == "" {
			runs[i].Missing = "not given: -helm"
		}
	}
	var failed []error
	for k := range slices.MaxFunc(lines, func(a, b commandLine) int { return a.samples - b.samples }).samples {
		for i, l := range lines {
			if k >= l.samples || runs[i].Missing != "" {
				continue
			}
			if err := runs[i].command(ctx, l.args); err != nil {
				runs[i].Missing = err.Error()
				failed = append(failed, err)
			}
		}
	}
	for i := range runs {
		o.say("%s %s: %s", runs[i].Subject, runs[i].Workload, summary(&runs[i]))
	}
	return runs, errors.Join(failed...)
}

// commandLines are the commands with a goal, and helm's that do the same.
func commandLines(helm, kubeconfig string) ([]commandLine, error) {
	root, err := testkit.ModuleRoot()
	if err != nil {
		return nil, err
	}
	bin, err := fairlead()
	if err != nil {
		return nil, err
	}
	both := func(workload string, samples int, args ...string) []commandLine {
		return []commandLine{
			{ourName, workload, append([]string{bin}, args...), samples},
			{helmName, workload, append([]string{helm}, args...), samples},
		}
	}
	flask := filepath.Join(root, "charts", "flask-app")
	return slices.Concat(
		both("version", 50, "version"),
		both("template podinfo", 30, "template", "web", filepath.Join(root, "bench", "chart")),
		both("template flask-app", 30, "template", "web", flask),
		both("template flask-app -f values-prod.yaml", 30, "template", "web", flask, "-f", filepath.Join(flask, "values-prod.yaml")),
		both("template fairlead", 30, "template", "web", filepath.Join(root, "charts", "fairlead")),
		[]commandLine{{ourName, "chart test flask-app", []string{bin, "chart", "test", flask, "--cluster=current", "--kubeconfig", kubeconfig}, 10}},
	), nil
}

// The subjects of commands.
const (
	ourName  = "fairlead"
	helmName = "helm"
)

// commandTable puts each command beside helm's; it is empty where none was measured.
func (r *Result) commandTable() string {
	var b strings.Builder
	for i := range r.Runs {
		run := &r.Runs[i]
		if run.Releases > 0 || run.Subject != ourName {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\n## Commands\n\nEach in a process of its own, in turns with helm's. × is Fairlead's part of helm's: below 1 is less. " +
				"Memory is that of the larger of a command's processes.\n\n" +
				"| command | median | helm | × | processor | helm | × | memory | helm |\n|---|---|---|---|---|---|---|---|---|\n")
		}
		if run.Missing != "" {
			fmt.Fprintf(&b, "| %s | %s ||||||||\n", run.Workload, strings.ReplaceAll(firstLine(run.Missing), "|", "/"))
			continue
		}
		other := r.find(helmName, run.Workload, 0)
		if other == nil || other.Missing != "" {
			other = &Run{}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", run.Workload,
			milliseconds(run.Value()), milliseconds(other.Value()), part(run.Value(), other.Value()),
			milliseconds(run.cpuEach()), milliseconds(other.cpuEach()), part(run.cpuEach(), other.cpuEach()),
			run.memory(), other.memory())
	}
	return b.String()
}

// cpuEach is the processor time of one sample, in seconds.
func (r *Run) cpuEach() float64 { return r.Usage.CPUSeconds / float64(max(1, len(r.Samples))) }

func milliseconds(seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	return fmt.Sprintf("%.0f ms", seconds*1000)
}

func part(ours, others float64) string {
	if others <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", ours/others)
}

// command adds one sample. An exit code of 1 is an answer.
func (r *Run) command(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	r.sample(begin)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 || cmd.ProcessState.ExitCode() < 0 {
		return errors.Join(fmt.Errorf("running %v: %w", args[1:], err), errors.New(string(out)))
	}
	r.Usage.CPUSeconds += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.Usage.PeakBytes = max(r.Usage.PeakBytes, u.Maxrss<<10)
	}
	return nil
}
