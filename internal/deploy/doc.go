// Package deploy runs the line for releases that nobody asks for in a cluster: those that a person
// or a CI job deploys from where they are.
//
// In come a release as a command line describes it and the history that Helm's storage has of it;
// out go a plan, a run of the line that a controller would run as well, the way back where it
// fails, and a Result. An Observer is told of all of it as it happens; the package prints nothing.
//
// It changes nothing before it has shown its plan, runs one release at a time (a lock beside the
// records keeps others out), leaves releases alone that a controller or another tool has in hand,
// and never takes a failed read for a release that does not exist.
//
// # Rights
//
// All requests go to the release's namespace, but for those about objects that have none. These
// are the rights that a run needs there:
//
//	secrets                    list, get, create, patch, delete: Helm's records
//	                           create, delete, get, update: the lock; the last two where a run died
//	                           or takes longer than a few seconds
//	every kind of the chart    list, watch: what is there (by label where the kind allows it)
//	  and of the last revision get: to show the plan field by field, and to see whose an object is
//	                           create, patch: server-side apply, also as a dry run
//	                           delete: what is no longer desired, and a failed first install's
//
// Kinds of hooks are kinds of the chart. Kinds without a namespace need the same in a ClusterRole.
// With --create-namespace and a namespace that may be missing: namespaces get, create and patch
// (a refusal to get it is taken for "it exists"). Discovery is open to every authenticated user.
//
// These are used where they are granted, to name the cause of a failure sooner and better:
//
//	pods, events, replicasets  get, list, watch
//	pods/log                   get
package deploy
