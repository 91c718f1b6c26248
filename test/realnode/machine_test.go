//go:build linux

package realnode

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine is what can be seen of a node on the machine it runs on, a line a thing.
type machine map[string]bool

// minus lists what is there now and was not before.
func (m machine) minus(before machine) []string {
	var out []string
	for thing := range m {
		if !before[thing] {
			out = append(out, thing)
		}
	}
	slices.Sort(out)
	return out
}

// observe looks at processes, mounts, network namespaces, interfaces, rules, control groups and
// the kernel's settings. Of processes and mounts only what an installation in dir could have made
// counts: other tests run meanwhile.
func observe(t *testing.T, dir string) machine {
	t.Helper()
	m := machine{}
	m.processes(t, dir)
	m.mounts(t, dir)
	for _, place := range []string{"/run/netns", "/run/containerd", "/run/fairlead-node", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods"} {
		m.files(place)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		m["interface "+i.Name] = true
	}
	for _, save := range []string{"iptables-save", "ip6tables-save"} {
		m.rules(save)
	}
	m.groups()
	for _, name := range []string{"net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "vm/overcommit_memory", "kernel/panic"} {
		if value, err := os.ReadFile("/proc/sys/" + name); err == nil {
			m["setting "+name+" "+strings.TrimSpace(string(value))] = true
		}
	}
	return m
}

// nodeWords are in the command lines and mounts of what a node runs.
var nodeWords = []string{"containerd", "runc", "gunicorn", "kubelet", "kube-proxy", "/pause", "fairlead-node", "netns"}

func counts(text, dir string) bool {
	return strings.Contains(text, dir) || slices.ContainsFunc(nodeWords, func(w string) bool { return strings.Contains(text, w) })
}

func (m machine) processes(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		data, err := os.ReadFile(file) // a process may have ended meanwhile
		line := strings.TrimSpace(string(bytes.ReplaceAll(data, []byte{0}, []byte{' '})))
		if err == nil && counts(line, dir) {
			m["process "+filepath.Base(filepath.Dir(file))+" "+line] = true
		}
	}
}

func (m machine) mounts(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 4 && counts(line, dir) {
			m["mount "+fields[4]] = true
		}
	}
}

func (m machine) files(place string) {
	_ = filepath.WalkDir(place, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			m["file "+path] = true
		}
		return nil // what cannot be read was not there, or is gone
	})
}

// rules reads the rules and chains of one kind; a machine may not have the program.
func (m machine) rules(save string) {
	out, err := exec.Command(save).Output()
	if err != nil {
		return
	}
	table := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			table = line
		case strings.HasPrefix(line, ":"):
			chain, _, _ := strings.Cut(line, " ") // without its counters
			m[save+" "+table+" "+chain] = true
		case strings.HasPrefix(line, "-"):
			m[save+" "+table+" "+line] = true
		}
	}
}

func (m machine) groups() {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			m["control group "+path] = true
		}
		return nil
	})
}
