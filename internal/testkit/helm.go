package testkit

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
)

var findHelm = sync.OnceValues(func() (string, error) {
	// Prints the command without running it, having built it from this module's go.mod.
	out, err := exec.Command("go", "tool", "-n", "helm").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building helm: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
})

// HelmBinary is the path of the real helm, of the version whose library Fairlead uses.
func HelmBinary() (string, error) { return findHelm() }
