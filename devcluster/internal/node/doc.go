// Package node says what a node of the dev cluster is: what it is given to join
// (Config) and what the cluster may ask of it (Node). The simulated node and the
// containerd node implement it; the package itself starts nothing.
package node
