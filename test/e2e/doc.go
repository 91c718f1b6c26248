// Package e2e tells stories of the program as its users meet it: the real binary runs as the
// controller and as the command line, against a real API server with a simulated node, a Git
// server, a Helm repository and the real helm.
//
// Nothing in it is a fake and nothing looks into the controller: what the stories know is in
// commits, objects, statuses, the API server's audit log and what the program prints. One cluster
// and one controller serve all stories; each has namespaces and repositories of its own.
//
// FAIRLEAD_E2E_LOG names a file that gets all the controllers' logs at the end.
package e2e
