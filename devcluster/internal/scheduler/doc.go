// Package scheduler runs kube-scheduler inside this process, with one plugin of its own
// that finds no node for a pod whose annotation asks to be unschedulable.
//
// In goes a kubeconfig; out come pods bound to nodes. It serves no port and elects no
// leader.
package scheduler
