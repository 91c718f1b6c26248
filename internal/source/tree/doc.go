// Package tree selects the part of a file tree that an artifact consists of, and writes it to disk.
//
// In go a tree, known by the IDs of its content, and the paths a release names. Out comes a
// selection: those paths, the folders that charts among them depend on with file://, and what
// their symbolic links point to, everything at the place where it lies in the tree, with a digest
// over the IDs. Nothing outside of the tree is ever read or linked to.
package tree
