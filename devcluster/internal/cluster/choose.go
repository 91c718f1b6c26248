package cluster

import (
	"fmt"

	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
	"github.com/fairlead-cd/fairlead/devcluster/internal/simnode"
)

// choose decides on the kind of node and says why.
func choose(wanted string) (kind, reason string, err error) {
	switch wanted {
	case NodeNone:
		return NodeNone, "asked for", nil
	case NodeSimulated:
		return NodeSimulated, "asked for; pods are reported, not run", nil
	}
	ok, why := containerdSupported()
	switch {
	case ok:
		return NodeContainerd, why, nil
	case wanted == NodeContainerd:
		return "", "", fmt.Errorf("choosing the node: a containerd node cannot run here: %s", why)
	default:
		return NodeSimulated, "pods are reported, not run, because a containerd node cannot run here: " + why, nil
	}
}

func newNode(kind string, config node.Config) node.Node {
	if kind == NodeContainerd {
		return newContainerdNode(config)
	}
	return simnode.New(config)
}
