package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	root, err := testkit.ModuleRoot()
	if err != nil {
		return nil, err
	}
	bin, err := fairlead()
	if err != nil {
		return nil, err
	}
	cluster, err := testkit.StartCluster(ctx, testkit.ClusterOptions{Bin: o.devcluster, Node: "none"})
	if err != nil {
		return nil, err
	}
	defer cluster.Stop()
	flask := filepath.Join(root, "charts", "flask-app")
	podinfo := filepath.Join(root, "bench", "chart")
	lines := []commandLine{
		{"fairlead", "version", []string{bin, "version"}, 50},
		{"fairlead", "template flask-app", []string{bin, "template", "web", flask}, 30},
		{"helm", "template flask-app", []string{o.helm, "template", "web", flask}, 30},
		{"fairlead", "template podinfo", []string{bin, "template", "web", podinfo}, 30},
		{"helm", "template podinfo", []string{o.helm, "template", "web", podinfo}, 30},
		{"fairlead", "chart test flask-app", []string{bin, "chart", "test", flask, "--cluster=current", "--kubeconfig", cluster.Kubeconfig}, 10},
	}
	runs := make([]Run, len(lines))
	var failed []error
	for i, l := range lines {
		runs[i] = Run{Subject: l.subject, Workload: l.workload, Renders: -1}
		if l.args[0] == "" {
			runs[i].Missing = "not given: -helm"
		}
	}
	for k := range 50 {
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
