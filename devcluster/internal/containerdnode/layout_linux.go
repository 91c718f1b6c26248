package containerdnode

import "path/filepath"

// layout is the node's directory.
type layout string

func (l layout) path(elem ...string) string {
	return filepath.Join(append([]string{string(l)}, elem...)...)
}

// store keeps images and what containerd knows of containers; it outlives a run.
func (l layout) store() string { return l.path("containerd") }

// state holds mounts, pipes and sandboxes of tasks that run.
func (l layout) state() string { return l.path("state") }

// runc is runc's own state.
func (l layout) runc() string { return l.path("runc") }

// kubelet holds pods with their volumes.
func (l layout) kubelet() string { return l.path("kubelet") }

// ipam holds which pod has which address.
func (l layout) ipam() string { return l.path("ipam") }

func (l layout) podLogs() string { return l.path("pod-logs") }

func (l layout) log(name string) string { return l.path("logs", name+".log") }

func (l layout) config(name string) string { return l.path("config", name) }

// socket is containerd's. It is not in the directory: see runDir.
func socket() string { return filepath.Join(runDir, "containerd.sock") }
