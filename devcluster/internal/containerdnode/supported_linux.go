package containerdnode

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// needs are the programs the node takes from the machine and the Debian packages they are in.
var needs = []struct{ program, pkg string }{
	{"containerd", "containerd"},
	{"ctr", "containerd"},
	{"containerd-shim-runc-v2", "containerd"},
	{"runc", "runc"},
	{"iptables", "iptables"},
	{"iptables-save", "iptables"},
	{"iptables-restore", "iptables"},
	{"mount", "mount"},
}

// plugins are the CNI plugins the node uses.
var plugins = []string{"bridge", "host-local", "loopback"}

// pluginDirs are where distributions and the plugins' own releases put them.
var pluginDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// Supported reports whether a node can run on this machine: yes and with what, or no, why
// not and what to install. It changes nothing.
func Supported() (bool, string) {
	if os.Geteuid() != 0 {
		return false, "it needs root"
	}
	var packages []string
	add := func(pkg string) {
		for _, p := range packages {
			if p == pkg {
				return
			}
		}
		packages = append(packages, pkg)
	}
	for _, n := range needs {
		if _, err := lookPath(n.program); err != nil {
			add(n.pkg)
		}
	}
	if _, err := pluginDir(); err != nil {
		add("containernetworking-plugins")
	}
	if len(packages) > 0 {
		return false, "programs are missing (apt-get install " + strings.Join(packages, " ") + ")"
	}
	if _, err := readHierarchies(); err != nil {
		return false, err.Error()
	}
	if owner, busy := lockOwner(); busy {
		return false, fmt.Sprintf("the containerd node of another cluster (in %s) runs on this machine", owner)
	}
	if foreignRules() {
		return false, "this machine is a node of another Kubernetes cluster (iptables has its rules)"
	}
	return true, "containerd, runc and the CNI plugins of this machine"
}

// lookPath finds a program also where PATH of a service or a shell without sbin ends.
func lookPath(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s not found", program)
}

func pluginDir() (string, error) {
	for _, dir := range pluginDirs {
		found := 0
		for _, p := range plugins {
			if _, err := os.Stat(filepath.Join(dir, p)); err == nil {
				found++
			}
		}
		if found == len(plugins) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("CNI plugins %s not found in %s", strings.Join(plugins, ", "), strings.Join(pluginDirs, ", "))
}

// searchPath is PATH for the programs the node starts, which look for others in turn.
func searchPath() string {
	return strings.Join([]string{os.Getenv("PATH"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"}, ":")
}
