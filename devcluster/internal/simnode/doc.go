// Package simnode is a node that runs nothing: it accepts pods and reports of them what a
// kubelet would, so that controllers, rollouts and failures can be watched on any machine.
//
// In go pods bound to the node; out come their statuses, the events a kubelet writes when
// something fails, and logs. A pod is healthy within a moment unless
//   - its annotation fairlead.dev/simulate names a failure (annotations.go),
//   - it refers to a Secret, ConfigMap or key that does not exist, or
//   - its image should come from a mirrored registry and is not there.
//
// Every status is decided by a pure function of the pod and of what is known about its
// references (decide.go), and is written in one request when it differs from the old one.
// It opens no connection except to the API server and to the mirrors it was given, serves
// only on 127.0.0.1, and never reads the values of Secrets.
//
// It is written on client-go instead of importing sigs.k8s.io/kwok: what a kubelet tells of
// a failure depends on other objects and on time (references, backoff, restart counts),
// which kwok's stages cannot see, so the code here would have remained, while kwok's
// dependencies would have moved Kubernetes' own (grpc, OpenTelemetry) off the versions
// Kubernetes is tested with.
package simnode
