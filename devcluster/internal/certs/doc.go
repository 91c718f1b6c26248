// Package certs makes the cluster's keys and certificates.
//
// In goes a directory and the names and addresses the API server answers to; out come
// PEM files and kubeconfigs. The two authorities and the key that signs service account
// tokens are made once and kept, so that kubeconfigs and tokens outlive a restart; every
// other certificate is made anew at each start. Private keys are readable by the owner
// alone. It never talks to a server.
package certs
