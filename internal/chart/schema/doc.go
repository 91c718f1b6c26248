// Package schema infers the schema of a chart's values from its values.yaml, and merges it with one
// that exists.
//
// Values files and their comments go in; values.schema.json as Helm reads it (draft 7) comes out,
// with notes on what differs from the existing one and on values that it does not accept. Types come
// from values, descriptions and choices from comments. A map with keys is closed, so that a misspelt
// key is refused; a map that is empty, or that Kubernetes leaves to its users, stays open. What
// somebody wrote into the existing schema always wins.
package schema
