// Package cluster ties the parts of the dev cluster together: it starts the database, the
// API server, the controllers, the scheduler and a node in order, says when they are
// ready, and stops them in the opposite order.
//
// In go Options; out come a kubeconfig and an Info. Everything it keeps lies in one
// directory, which a lock guards against a second cluster; a directory left behind by a
// killed process starts again with its data. It listens on 127.0.0.1 alone, save for the
// relay pods need when they really run. There can be one cluster in a process, because
// Kubernetes keeps its feature gates and metrics in globals.
package cluster
