// Package live knows what is in the cluster without asking: it keeps what the watches told last.
//
// What comes in: the kinds to watch, what was applied, and what the records of releases say. What
// goes out: the live state of objects from memory, events, and a channel that tells when something
// of a release changed. No request is sent but one watch for each kind.
//
// # What is kept
//
// Objects are not kept. From each one, on arrival, its identity, the release it belongs to, a digest
// of the fields that Fairlead owns and its health are taken; the rest is dropped. Kinds without a
// health of their own are watched by metadata alone, and only objects that carry the release label
// are sent. Secrets, ConfigMaps, Namespaces and CustomResourceDefinitions are watched whoever made
// them: releases refer to them by name, and Helm keeps its records in Secrets. A scoped store, for a
// run with rights in one namespace, watches the namespaces it is asked for, and by label alone.
//
// # Drift
//
// The API server notes in metadata.managedFields which fields the last apply of the manager
// "fairlead" set. Whoever changes or removes one of them by an update, or applies another value by
// force, takes that field from us: the set shrinks. So an object drifted exactly when the digest of
// our set differs from the one after our last apply, when it is gone, or when our label was taken
// off. No desired state and no live object have to be compared, and none kept.
//
//   - It sees: a changed, removed or re-ordered value that we applied, also inside lists; an element
//     added to a list that is a unit (atomic: most lists of plain values); a scale; removed labels
//     and annotations; wiped managed fields.
//   - It does not see, and need not: status, defaulted fields, fields and list elements that others
//     added beside ours, a value set to what it was.
//   - It does not see, by its nature: a value put into a field that we do not set. That is someone
//     else's field, as for every server-side apply. `fairlead diff` shows them.
//
// A Job that Kubernetes deleted after it completed (ttlSecondsAfterFinished) did not drift: the store
// remembers it as it was, and a record does over a restart.
//
// Versions of one object are compared by resourceVersion, which grows (guaranteed from Kubernetes
// 1.35, true before): what an apply returned is never overwritten by an older event of the watch.
//
// # What it never does
//
// It never takes an error for emptiness. A watch that breaks goes on where it ended; when that
// is not possible a complete list is taken first, and only its end removes what is no longer there.
// While a kind's first list is not complete, or its watch has been broken for long, Observe is an
// error and no answer.
package live
