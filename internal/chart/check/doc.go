// Package check finds what is wrong with a chart before anyone deploys it.
//
// A chart on disk goes in. It is rendered with its default values, with each of its values files,
// with every boolean value flipped on its own and all together; what comes of that is judged object
// by object and as a whole: by Helm's lint, the chart's schema, the schemas of chosen Kubernetes
// versions, a security baseline, the chart's own golden files and, when there is one, an API server.
// Findings come out, each with the template's file and line, the values that lead there and what to
// do about it.
//
// Charts are rendered by whom the caller says, in a worker that can do nothing else. The package
// writes nothing but golden files, and those only when it is asked to; no finding quotes a value that
// could be a secret.
package check
