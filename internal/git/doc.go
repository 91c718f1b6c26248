// Package git is an adapter over the git binary.
//
// In go addresses, credentials and ref names, out come refs, objects and commits. Everything the
// binary is given is checked first; it reads no system or user configuration, asks no questions,
// runs no hooks, speaks only the protocol of the address at hand, and dies with its children when
// the context ends. Credentials reach it through files only this user can read or through its
// environment, never through its arguments.
//
// The package knows nothing of releases or charts, and never puts a credential into an error.
package git
