package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// TestChartStories checks charts with the embedded cluster, which the stories' program starts by
// itself as it does in CI, and with one that runs.
func TestChartStories(t *testing.T) {
	if testing.Short() {
		t.Skip("starts clusters")
	}
	root, err := testkit.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := testkit.StartCluster(t.Context(), testkit.ClusterOptions{Node: "none"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	t.Run("stories", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir: "charting", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
			Setup: func(e *testscript.Env) error {
				for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "FAIRLEAD_HOME", "KUBECONFIG", "CI"} {
					e.Setenv(name, "")
				}
				e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
				e.Setenv("RUNNING", cluster.Kubeconfig)
				e.Setenv("PATH", filepath.Join(root, "bin")+string(os.PathListSeparator)+e.Getenv("PATH"))
				return os.CopyFS(filepath.Join(e.WorkDir, "charts"), os.DirFS(filepath.Join(root, "charts")))
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		})
	})
}
