// Package pattern holds regular expressions that are compiled when they are first used.
//
// An expression goes in, matches come out. The program knows some two hundred expressions and a run of
// it uses a few: compiled at the start, as package regexp asks for, they would cost each command, each
// render worker and the controller their time and memory. Nothing is compiled twice; an expression
// that does not compile panics at its first use, so a test compiles all of them.
package pattern
