// Package rights proves what `fairlead chart rbac` writes: on a real API server a chart is deployed,
// changed, rolled back and uninstalled by someone who has exactly those rights, and for each verb on
// each resource or object by someone who lacks that one, who must fail.
package rights
