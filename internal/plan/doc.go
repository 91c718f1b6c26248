// Package plan decides what a run will do, before it does any of it.
//
// What comes in: the objects a release wants, what the watches told last of the objects in the
// cluster, and the inventory of the last record. What goes out: a model.Plan, or an error when the
// input is refused. Prepare makes rendered objects ready (namespace, label, digest), Make compares,
// Uninstall plans the end of a release, and Inventory says what the release owns afterwards.
//
// The rules, in the order they are asked of a desired object:
//
//   - another release has its label on the object: conflict, and the whole plan is refused when it
//     is executed;
//   - the object is being deleted: left alone; the run that follows its disappearance creates it;
//   - it was never applied, or is gone: create, or repair when the inventory knows it;
//   - the desired body is another than the one applied last: update, though not in a repair;
//   - the fields Fairlead owns in the live object are others than after the last apply: repair
//     (package live tells why that is drift, and what it cannot see);
//   - else unchanged, which costs no request.
//
// A Job that completed and was deleted by Kubernetes afterwards (ttlSecondsAfterFinished) is for these
// rules still there: package live remembers it, and the inventory does after a restart.
//
// An object is pruned when the inventory, or our label together with fields that we own, says that
// it is the release's, and it is desired no longer. Annotations that forbid it are respected.
//
// Everything here is a pure function. Nothing is read, written or logged, and no plan is made from
// an incomplete rendering: the caller has an error then and no objects.
package plan
