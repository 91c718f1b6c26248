// Package realnode holds the story that only a kubelet can prove: an application whose containers
// run, reached through its Services, from a push to what a user reads. It runs the binaries that
// make build made, as people do, and takes the machine's one containerd node.
package realnode
