// Package egress is the proxy through which the API server reaches nodes, pods and Services
// (logs, webhooks, aggregated APIs) while no pod really runs.
//
// In go HTTP CONNECT requests on a Unix socket; out goes what is meant for 127.0.0.1, where
// the simulated node serves. Everything else is refused: the addresses of Services and pods
// mean nothing on this machine, and packets to them would leave it.
package egress
