// Package record keeps what was observed: revisions in Helm's storage, in Helm's own format, and
// the status of the objects that asked for them.
//
// In come a release, the outcome of its run and what is known of its history; out go Secrets
// that the Helm CLI reads, rolls back and upgrades from, and status values for HelmReleases and
// Applications. It records nothing that is not true yet (there is no pending record), it never
// reads a chart or touches a release's objects, and it decides nothing about what to run next.
package record
