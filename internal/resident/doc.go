// Package resident gives memory back to the system that a process holds but no longer needs.
//
// Nothing goes in; what comes out is a smaller process. It never changes what a program does: pages
// that are needed after all are there again when they are touched.
package resident
