// Package kube talks to a Kubernetes API server in the fewest requests that do the work.
//
// What comes in: a REST configuration, kinds, names and JSON bodies. What goes out: object
// metadata, raw objects, watch events, the cluster's capabilities, and errors that are
// *model.Error where a cause is known. One connection, one cached discovery and one REST
// mapping serve every user of a Client, impersonated ones included. There is no client-side
// rate limit: the server's priority and fairness decides, and its Retry-After is obeyed.
//
// It never decides what should be in the cluster, and it keeps no objects.
package kube
