// Package follow makes a wish about a release and stays until it has come true or cannot.
//
// A wish is an annotation on the object that asks for the release; a controller sees it, acts, and
// says so in that object's status. The package writes annotations (and an Application's operation,
// as Argo CD's own tools do) and nothing else; it knows no controller but by what it writes.
package follow
