package app

import (
	"runtime"
	"runtime/debug"

	"github.com/fairlead-cd/fairlead/internal/cli"
)

// Set at build time (-ldflags "-X .../internal/app.version=v1.2.3"); without them it is what the Go
// toolchain recorded that counts.
var version, commit string

// readBuild says which program this is, from what the Go toolchain put into it.
func readBuild() cli.Build {
	b := cli.Build{Version: version, Commit: commit, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			if b.Commit == "" {
				b.Commit = s.Value
			}
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	return b
}
