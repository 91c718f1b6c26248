// Package support says which fields of a request Fairlead acts upon.
//
// In comes an object as the API server has it, out go the paths in its spec that ask for something
// Fairlead does not do. Nothing is ignored silently: what is not in the tables is reported. The
// package never looks at values beyond what the tables name and never puts a value in a path.
package support
