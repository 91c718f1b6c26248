package containerdnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// cleanup removes everything a node in n.Dir made on this machine, but for its images and
// logs. It does not matter how the node ended, or how far an earlier cleanup came.
func cleanup(n *note) error {
	// What runs is ended first, or it would make anew what is removed after it.
	if err := endCgroups(); err != nil {
		return err
	}
	errs := []error{unmountBelow(n.Dir)}
	if errs[0] == nil {
		// Only now: removing a directory would reach into what is mounted there.
		errs = append(errs, removeState(n))
	}
	errs = append(errs, removeRules(), removeNetwork(), restoreSettings(n.Settings))
	return errors.Join(errs...)
}

// unmountBelow unmounts what is mounted in dir, the innermost first.
func unmountBelow(dir string) error {
	// A second look finds what lay under a mount that is gone now.
	for range 5 {
		mounts, err := mountsBelow(dir)
		if err != nil {
			return err
		}
		if len(mounts) == 0 {
			return nil
		}
		for i := len(mounts) - 1; i >= 0; i-- {
			if err := syscall.Unmount(mounts[i], syscall.MNT_DETACH|umountNoFollow); err != nil &&
				!errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
				return fmt.Errorf("unmounting %s: %w", mounts[i], err)
			}
		}
	}
	return fmt.Errorf("unmounting what is below %s: there is always more", dir)
}

// umountNoFollow is UMOUNT_NOFOLLOW of <sys/mount.h>.
const umountNoFollow = 8

// mountsBelow lists the mounts in dir in the order they were made.
func mountsBelow(dir string) ([]string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", dir, err)
	}
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	var out []string
	for line := range strings.SplitSeq(string(data), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if path := unescapeMount(fields[4]); strings.HasPrefix(path, dir+"/") {
			out = append(out, path)
		}
	}
	return out, nil
}

// unescapeMount undoes the escapes of proc_pid_mountinfo(5).
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// removeState removes the state of pods and of containerd's running tasks. What containerd
// keeps for good, its images, stays: they need not be pulled again.
func removeState(n *note) error {
	l := layout(n.Dir)
	removeShimSockets(l.state())
	removeNetworkResults(l.state())
	var errs []error
	for _, dir := range []string{l.state(), l.runc(), l.kubelet(), l.podLogs(), l.ipam(), runDir} {
		if err := os.RemoveAll(dir); err != nil {
			errs = append(errs, fmt.Errorf("removing state: %w", err))
		}
	}
	if n.KubeletDir {
		// The kubelet makes this one wherever its own directory is.
		errs = append(errs, os.RemoveAll("/var/lib/kubelet/device-plugins"))
		_ = os.Remove("/var/lib/kubelet")
	}
	errs = append(errs, removeLogLinks(n.Dir))
	return errors.Join(errs...)
}

// removeShimSockets removes the sockets of shims, which are in a directory all containerds
// share. The shims' own directories say which they are.
func removeShimSockets(state string) {
	found, _ := filepath.Glob(filepath.Join(state, "io.containerd.runtime.v2.task", "*", "*", "address"))
	for _, file := range found {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		socket := strings.TrimPrefix(strings.TrimSpace(string(data)), "unix://")
		if strings.HasPrefix(socket, "/run/containerd/s/") && filepath.Clean(socket) == socket {
			_ = os.Remove(socket)
		}
	}
	// Each succeeds when nothing else is there.
	_ = os.Remove("/run/containerd/s")
	_ = os.Remove("/run/containerd")
}

// removeNetworkResults removes what the CNI library notes of each sandbox, in a directory
// that all its users share.
func removeNetworkResults(state string) {
	const results = "/var/lib/cni/results"
	sandboxes, _ := filepath.Glob(filepath.Join(state, "io.containerd.grpc.v1.cri", "sandboxes", "*"))
	for _, s := range sandboxes {
		found, _ := filepath.Glob(filepath.Join(results, "*-"+filepath.Base(s)+"-*"))
		for _, file := range found {
			_ = os.Remove(file)
		}
	}
	// Each succeeds when nothing else is there.
	_ = os.Remove(results)
	_ = os.Remove(filepath.Dir(results))
}

// removeLogLinks removes the links the kubelet makes in a directory of the machine's.
func removeLogLinks(dir string) error {
	const links = "/var/log/containers"
	entries, err := os.ReadDir(links)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing container logs: %w", err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(links, e.Name())
		if target, err := os.Readlink(path); err == nil && strings.HasPrefix(target, dir+"/") {
			errs = append(errs, os.Remove(path))
		}
	}
	_ = os.Remove(links) // succeeds when nothing else is there
	return errors.Join(errs...)
}
