// Package rbac finds the rights with which a chart can be deployed, upgraded, rolled back and
// uninstalled, and nothing beyond.
//
// What a chart renders to goes in, for an install and for an upgrade, and who deploys it: Fairlead
// or Helm. Out come rights, each with the objects that need it, and the manifests of Roles that hold
// them. Which requests the two make is recorded truth: the tests deploy charts on a real API server
// with exactly these rights, and again without each of them.
//
// Rights are narrowed as far as the API server looks: to names for get, patch, delete and for create
// (a server-side apply that creates is authorized with the object's name); list and watch of a kind
// reach all of its objects. Escalation is answered by holding what a chart grants, which is bounded,
// rather than by the verb escalate, which is not; what cannot be seen is answered by bind on that one
// role.
//
// The package asks no cluster unless a Resolver does, and grants nothing.
package rbac
