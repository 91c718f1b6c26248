// Package dir resolves references to folders on this machine.
//
// In go a folder and references below it, out come artifacts: copies, addressed by what the files
// hold, so that an edit in the middle of a run does not reach it. The .git folder is left out.
package dir
