// Package worker renders charts in processes of their own.
//
// A chart is a program that somebody else wrote: it can run forever, take all memory, or try to
// reach the network. So the controller's binary is executed again as a worker, with limits on
// memory and time, without network and environment, and reading nothing but artifacts as far as
// the system allows. Requests go in and results come out through its pipes, one at a time; it
// stays warm for the next and leaves when there is none.
//
// A render that breaks a limit takes its worker down and fails alone. Nothing is tried twice.
package worker
