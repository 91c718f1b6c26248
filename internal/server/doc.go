// Package server answers HTTP: push events, probes and metrics.
//
// In come requests from outside, bounded in size and time; out go a hint that something was
// pushed, and what the controller says of itself. It changes nothing and shows no secret.
package server
