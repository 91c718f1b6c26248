package containerdnode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// cgroupRoot holds everything the node runs, in every hierarchy.
	cgroupRoot = "fairlead"
	// runtimeGroup, below it, holds containerd with its shims, the kubelet and kube-proxy;
	// pods are in kubepods beside it.
	runtimeGroup = "runtime"
	// endTimeout is how long processes may take to be gone after SIGKILL.
	endTimeout = 10 * time.Second
)

// hierarchy is one mounted tree of cgroups.
type hierarchy struct {
	mount       string
	controllers []string
	unified     bool
}

// readHierarchies finds the trees pods need: the unified one alone, or, on a machine with
// cgroup version 1, one for each controller.
func readHierarchies() ([]hierarchy, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("looking for cgroups: %w", err)
	}
	var v1, v2 []hierarchy
	for line := range strings.SplitSeq(string(data), "\n") {
		before, after, found := strings.Cut(line, " - ")
		if !found {
			continue
		}
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 || !writable(left[4]) {
			continue
		}
		switch right[0] {
		case "cgroup2":
			v2 = append(v2, hierarchy{mount: left[4], unified: true})
		case "cgroup":
			v1 = append(v1, hierarchy{mount: left[4], controllers: strings.Split(right[2], ",")})
		}
	}
	if len(v1) == 0 {
		for _, h := range v2 {
			have, err := os.ReadFile(filepath.Join(h.mount, "cgroup.controllers"))
			if err != nil || !bytes.Contains(have, []byte("memory")) || !bytes.Contains(have, []byte("pids")) {
				continue
			}
			if isCrowded(h.mount) {
				return nil, fmt.Errorf("cgroup %s is not the machine's root and has processes of its own, so it can hand nothing down to pods", h.mount)
			}
			return []hierarchy{h}, nil
		}
	}
	for _, need := range []string{"cpu", "cpuset", "memory", "pids"} {
		if !slices.ContainsFunc(v1, func(h hierarchy) bool { return slices.Contains(h.controllers, need) }) {
			return nil, fmt.Errorf("cgroup controller %q is not mounted, or cannot be written to", need)
		}
	}
	return v1, nil
}

// isCrowded reports whether a unified tree's top is not the machine's own root and has
// processes, as in a container: such a group cannot give controllers to groups below it.
func isCrowded(mount string) bool {
	if _, err := os.Stat(filepath.Join(mount, "cgroup.type")); err != nil {
		return false // only the root has no type
	}
	procs, err := os.ReadFile(filepath.Join(mount, "cgroup.procs"))
	return err == nil && len(bytes.TrimSpace(procs)) > 0
}

func writable(dir string) bool { return syscall.Access(dir, 2 /* W_OK */) == nil }

// makeCgroups makes the node's group everywhere and returns the files a process of the
// runtime writes its number to.
func makeCgroups() ([]string, error) {
	hierarchies, err := readHierarchies()
	if err != nil {
		return nil, err
	}
	var procs []string
	for _, h := range hierarchies {
		root := filepath.Join(h.mount, cgroupRoot)
		if h.unified {
			// Children get only the controllers their parents hand down.
			if err := delegate(h.mount); err != nil {
				return nil, err
			}
		}
		if err := os.MkdirAll(filepath.Join(root, runtimeGroup), 0o755); err != nil {
			return nil, fmt.Errorf("making cgroup: %w", err)
		}
		if h.unified {
			if err := delegate(root); err != nil {
				return nil, err
			}
		}
		if slices.Contains(h.controllers, "cpuset") {
			if err := inheritCPUSet(h.mount, root); err != nil {
				return nil, err
			}
			continue // runtimeGroup has no processors yet, and needs none of its own
		}
		procs = append(procs, filepath.Join(root, runtimeGroup, "cgroup.procs"))
	}
	return procs, nil
}

func delegate(dir string) error {
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading cgroup controllers: %w", err)
	}
	for c := range strings.FieldsSeq(string(have)) {
		// One by one: a controller that cannot be handed down must not keep back the rest.
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0)
	}
	return nil
}

// inheritCPUSet copies what a new cpuset group does not take over from its parent by itself.
func inheritCPUSet(parent, child string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		data, err := os.ReadFile(filepath.Join(parent, file))
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		if err := os.WriteFile(filepath.Join(child, file), data, 0); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
	}
	return nil
}

// endCgroups kills every process of the node, this one excepted, and removes its groups.
// New processes may be born meanwhile, so it goes round until none is left.
func endCgroups() error {
	roots, err := groupRoots()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(endTimeout)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := 0
		for _, root := range roots {
			left += killBelow(root)
		}
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("ending pods: %d processes of cgroup %s outlived SIGKILL", left, cgroupRoot)
		}
		time.Sleep(pause)
	}
	var errs []error
	for _, root := range roots {
		errs = append(errs, removeGroups(root, deadline))
	}
	return errors.Join(errs...)
}

// groupRoots returns the node's group in every mounted hierarchy, needed or not: runc uses
// all there are.
func groupRoots() ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("looking for cgroups: %w", err)
	}
	var roots []string
	for line := range strings.SplitSeq(string(data), "\n") {
		before, after, found := strings.Cut(line, " - ")
		left := strings.Fields(before)
		if !found || !strings.HasPrefix(after, "cgroup") || len(left) < 5 {
			continue
		}
		root := filepath.Join(left[4], cgroupRoot)
		if _, err := os.Stat(root); err == nil {
			roots = append(roots, root)
		}
	}
	return roots, nil
}

// killBelow kills what is in a group and below it, and returns how many it found.
func killBelow(root string) int {
	found := 0
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return nil // a group that vanished meanwhile
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			pid, err := strconv.Atoi(lines.Text())
			if err != nil || pid <= 1 || pid == os.Getpid() {
				continue
			}
			found++
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return nil
	})
	return found
}

func removeGroups(root string, deadline time.Time) error {
	var groups []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if d.IsDir() {
			groups = append(groups, path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing cgroups: %w", err)
	}
	slices.Reverse(groups)
	for _, g := range groups {
		// A group is busy for a moment after its last process ended.
		for {
			err := syscall.Rmdir(g)
			if err == nil || errors.Is(err, syscall.ENOENT) {
				break
			}
			if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
				return fmt.Errorf("removing cgroup %s: %w", g, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return nil
}
