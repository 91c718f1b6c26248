// Package rollout shows a run that happens here: its plan, how each object does, and how it ended.
//
// It is the terminal's observer of internal/deploy, with the flags, the last line, the document and
// the exit code that all commands which run a release here have in common. The plan and the progress
// are talk; the last line, or the document of -o json, is the data.
package rollout
