// Package cli holds what every command shares: the flags, the way to the cluster, the exit codes and
// the form of an error. Each command is a folder below, named as it is typed.
//
// A command is an options struct, a constructor NewCmdX(f, runF) that turns flags into options, and
// a function that does the work; tests pass a runF and see the options alone. Commands read the API
// server and print; apart from the annotations that ask for a sync, a hold or its end, they change
// nothing, but for those that run the line here: deploy, apply, uninstall, and rollback of what these
// made. They read no environment: internal/app does, and fills the Factory.
package cli
