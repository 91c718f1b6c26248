// Command fairlead-devcluster runs a Kubernetes cluster in one process.
package main

import (
	"os"

	"github.com/fairlead-cd/fairlead/devcluster/internal/cmd"
	"github.com/fairlead-cd/fairlead/devcluster/internal/containerdnode"
)

func main() {
	// The parts of a containerd node are this binary, started again.
	if code, handled := containerdnode.Child(os.Args[1:]); handled {
		os.Exit(code)
	}
	os.Exit(cmd.Main(os.Args[1:], os.Stdout, os.Stderr))
}
