package cluster

import (
	"github.com/fairlead-cd/fairlead/devcluster/internal/containerdnode"
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

func containerdSupported() (bool, string) { return containerdnode.Supported() }

func newContainerdNode(config node.Config) node.Node { return containerdnode.New(config) }
