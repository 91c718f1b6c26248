package cluster

import "github.com/fairlead-cd/fairlead/devcluster/internal/node"

func containerdSupported() (bool, string) {
	return false, "this build has no containerd node yet"
}

func newContainerdNode(node.Config) node.Node { return nil }
