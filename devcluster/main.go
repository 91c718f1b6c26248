// Command fairlead-devcluster runs a Kubernetes cluster in one process.
package main

import (
	"os"

	"github.com/fairlead-cd/fairlead/devcluster/internal/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:], os.Stdout, os.Stderr)) }
