// Package etcd runs the cluster's database inside this process.
//
// In goes a directory; out comes an endpoint for the API server, a Unix socket that only
// the owner of the directory can reach, so that no port is opened and no other user of
// the machine can read Secrets past the API server. Data outlives a restart, also after a
// kill; it does not promise to outlive a power cut, because nothing is flushed to disk
// eagerly (a development cluster wants its speed).
package etcd
