//go:build !linux

package resident

import "runtime/debug"

// Pages are where the program's own file lies in memory; only Linux tells.
type Pages struct{}

// Own finds nothing here.
func Own() Pages { return Pages{} }

// Trim gives back the heap's free pages.
func (Pages) Trim() { debug.FreeOSMemory() }
