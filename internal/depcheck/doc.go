// Package depcheck holds the table of which room of this module may import which, and the test
// that keeps to it. There is no code here for others to use.
//
// A room is a folder of the table with all folders below it; within a room imports are free. A
// package outside of every room is an error: give it a row, which says what the new room is for.
package depcheck
