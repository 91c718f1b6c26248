package containerdnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const (
	// runDir holds sockets: the paths of those may be only a hundred characters long,
	// which a directory of the user's choice often exceeds.
	runDir = "/run/fairlead-node"
	// notePath names the one node of this machine. It is locked while the node runs.
	notePath = "/run/fairlead-node.lock"
)

// note is what has to be known to clean up after a node that was killed.
type note struct {
	Dir string `json:"dir"`
	// Settings are the kernel's, by file below /proc/sys, as they were.
	Settings map[string]string `json:"settings"`
	// KubeletDir says that /var/lib/kubelet did not exist before.
	KubeletDir bool `json:"kubeletDir"`
}

// settings are what kubelet and kube-proxy change.
var settings = []string{
	"kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	"vm/overcommit_memory", "vm/panic_on_oom", "net/ipv4/conf/all/route_localnet",
	"net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_tcp_timeout_established",
	"net/netfilter/nf_conntrack_tcp_timeout_close_wait", "net/ipv4/vs/conntrack",
}

// readNote returns what is noted about a node, running or left over; nil means nothing is.
func readNote() (*note, error) {
	data, err := os.ReadFile(notePath)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading note of the last node: %w", err)
	}
	var n note
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("reading note of the last node %s: %w", notePath, err)
	}
	return &n, nil
}

// Owner is the directory of the node that runs on this machine, or that ran and was killed; empty
// is none.
func Owner() (string, error) {
	n, err := readNote()
	if n == nil {
		return "", err
	}
	return n.Dir, nil
}

// lockOwner reports whether a node runs on this machine, and in which directory.
func lockOwner() (dir string, busy bool) {
	if _, err := os.Lstat(notePath); err != nil {
		return "", false // no node has ever run
	}
	file, err := lockNote()
	if err == nil {
		_ = file.Close()
		return "", false
	}
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return "", false
	}
	if n, err := readNote(); err == nil && n != nil {
		return n.Dir, true
	}
	return "a directory not noted", true
}

// lockNote takes the machine for one node. The lock ends with the file, or this process.
func lockNote() (*os.File, error) {
	file, err := os.OpenFile(notePath, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", notePath, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", notePath, err)
	}
	return file, nil
}

// writeNote replaces the note in place: the file carries the lock.
func writeNote(file *os.File, n *note) error {
	var data []byte
	if n != nil {
		var err error
		if data, err = json.Marshal(n); err != nil {
			return fmt.Errorf("noting the node: %w", err)
		}
	}
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("noting the node: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("noting the node: %w", err)
	}
	if _, err := file.Write(data); err != nil {
		return fmt.Errorf("noting the node: %w", err)
	}
	return file.Sync()
}

// readSettings reads the kernel's settings; one that the kernel does not have is left out.
func readSettings() map[string]string {
	out := map[string]string{}
	for _, name := range settings {
		if data, err := os.ReadFile("/proc/sys/" + name); err == nil {
			out[name] = strings.TrimSpace(string(data))
		}
	}
	return out
}

func restoreSettings(values map[string]string) error {
	var errs []error
	for _, name := range settings {
		value, ok := values[name]
		if !ok {
			continue
		}
		if now, err := os.ReadFile("/proc/sys/" + name); err != nil || strings.TrimSpace(string(now)) == value {
			continue
		}
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
			errs = append(errs, fmt.Errorf("putting back %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
