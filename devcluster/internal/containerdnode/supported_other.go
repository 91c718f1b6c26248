//go:build !linux

package containerdnode

import (
	"github.com/fairlead-cd/fairlead/devcluster/internal/node"
)

// Supported reports that no pods can run here.
func Supported() (bool, string) { return false, "it needs Linux" }

// New returns nothing; Supported says so before.
func New(node.Config) node.Node { return nil }

// Child handles no arguments here.
func Child([]string) (code int, handled bool) { return 0, false }

// Owner is nobody here.
func Owner() (string, error) { return "", nil }
