// Package app wires everything by hand: it reads the environment and the global flags, makes what
// commands work with, and hands it down. Nothing below it reads an environment variable, and nothing
// but cmd imports it.
package app
