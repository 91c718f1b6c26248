// Package inspect looks at one release closely.
//
// In comes a release's view, out come its history, its objects with what belongs to them, and the
// causes of what is wrong. What could not be read is an error, or an object that is Unknown; it is
// never left out.
package inspect
