// Bench measures what it takes to keep a fleet of releases: time, processor, memory and requests,
// for Fairlead, for any other controller that is given to it as a command line, and for the floor,
// a bare client that sends only the writes the work needs.
//
// In go a number of releases and descriptions of peers (peers/), out come a JSON document and a
// Markdown page with plots. Every subject gets a fresh cluster without nodes; what is timed is only
// the work between the moment a client asks for it and the moment the API server shows it done.
package main
