package testkit_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

func TestClusterSaysWhatToBuild(t *testing.T) {
	_, err := testkit.StartCluster(t.Context(), testkit.ClusterOptions{Bin: filepath.Join(t.TempDir(), "missing")})
	if err == nil {
		t.Fatal("a missing binary was started")
	}
	t.Log(err)
}

func TestClusterStartsAndStops(t *testing.T) {
	dir := t.TempDir()
	c, err := testkit.StartCluster(t.Context(), testkit.ClusterOptions{Dir: dir, Node: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Kubeconfig); err != nil || c.Version == "" {
		t.Errorf("cluster %+v: %v", c, err)
	}
	c.Stop()
	if _, err := http.Get(c.Server + "/healthz"); err == nil {
		t.Error("it still answers after Stop")
	}
}
