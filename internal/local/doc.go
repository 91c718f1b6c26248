// Package local runs all of Fairlead on one machine: a cluster, a Git server, a registry, the
// controller and the reference application in three environments.
//
// What comes in is a folder to keep everything in; what goes out is Info, which says where things
// can be reached. The parts are processes and servers of their own, supervised here: one that
// dies is started again, and all of them end with this process. It is for development, tests and
// demonstrations; in production Fairlead is installed with charts/fairlead.
package local
