package e2e

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	findHelm sync.Once
	helmPath string
	errHelm  error
)

// helmBinary is the real helm: the machine's, or one built from the module that Fairlead uses too.
func helmBinary(t *testing.T) string {
	t.Helper()
	findHelm.Do(func() {
		if helmPath, errHelm = exec.LookPath("helm"); errHelm == nil {
			return
		}
		helmPath = filepath.Join(tempDir, "helm")
		errHelm = build(helmPath, "helm.sh/helm/v4/cmd/helm")
	})
	if errHelm != nil {
		t.Fatal(errHelm)
	}
	return helmPath
}
