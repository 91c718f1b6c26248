package headstart

import (
	"runtime"
	"runtime/debug"
)

const (
	usual = 100
	// percent makes Go's smallest heap, 4 MB at the usual percentage, one of 32 MB.
	percent = 8 * usual
)

// Go initialises packages in the order of their import paths as far as their own imports allow
// (https://go.dev/ref/spec#Program_initialization), so this comes before most of what allocates; main
// would be too late. That is why there is a variable here that does something, and why this package
// may import hardly anything.
var _ = begin()

// begin reports whether collecting was put off.
func begin() bool {
	if was := debug.SetGCPercent(percent); was != usual {
		debug.SetGCPercent(was)
		return false
	}
	garbage := new(*byte)
	runtime.AddCleanup(garbage, func(int) { end() }, 0)
	return true
}

// end is called after the first collection, which finds the garbage.
func end() {
	if was := debug.SetGCPercent(usual); was != percent {
		debug.SetGCPercent(was)
	}
}
