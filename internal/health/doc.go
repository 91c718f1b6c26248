// Package health tells how objects in a cluster do, waits until a release is healthy, and names
// the cause when it is not.
//
// Three things live here, each usable without the next:
//
//   - Rules. Of judges one object by its content alone: no clock, no reads. There is a file per
//     kind (deployment.go, job.go, ...); kinds without one follow the kstatus conventions
//     (conditions.go).
//   - Diagnosis. Diagnose follows an unhealthy object down to the root of the trouble through a
//     Reader: ReplicaSet, Pod, container, last log lines, events, the Secret or ConfigMap the
//     container hangs on.
//   - Waiting. A Waiter follows a release's objects by watch until all are healthy, one of them
//     cannot become healthy, or time is up.
//
// The package never writes to a cluster, and no value of a Secret leaves it: such values are read
// only to strike them out of log lines.
package health
