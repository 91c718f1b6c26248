package test

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fairlead-cd/fairlead/internal/app"
)

var update = flag.Bool("update", false, "write what commands print into the stories' cmp files")

// TestMain makes the program a command of the stories: the test binary runs as fairlead when it is
// called by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fairlead": func() { os.Exit(app.Main()) }})
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "stories", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			// Stories see no cluster of the machine they run on, and colours only where they ask.
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("KUBECONFIG", "")
			e.Setenv("FAIRLEAD_HOME", "")
			e.Setenv("NO_COLOR", "")
			e.Setenv("CLICOLOR_FORCE", "")
			e.Setenv("CI", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}
