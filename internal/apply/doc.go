// Package apply executes plans: it is the only room of the line that writes to a cluster.
//
// What comes in: a model.Plan. What goes out: one model.Result for every change, whatever happened.
//
// An object that has to change costs one request: a forced server-side apply by the field manager
// "fairlead", whose answer is the object's metadata. Nothing is read before it. Unchanged objects
// cost none. Only the rare cases cost more:
//
//   - an object that another deployment tool made is taken over: the fields that tool owned become
//     ours, so that what the chart no longer has goes away now and later (takeover.go);
//   - a CustomResourceDefinition is waited for, by watch, until the server serves its kind;
//   - an object to prune that no watch has shown is looked at before it is deleted.
//
// Phases run one after another, the changes of a phase side by side. After a failure later phases
// are not started. Errors that will pass are retried for a while; all others are *model.Error and
// name the object, where it was written, and what to do.
//
// It never decides what to change, never waits for rollouts and keeps no state between plans.
package apply
