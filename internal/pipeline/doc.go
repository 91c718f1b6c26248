// Package pipeline is the line that carries a release from its source to its record.
//
// A Request goes in, an Outcome comes out; in between the six stages run in order, and each is
// told only what the one before it found. CLI, controllers and server all run this line: they
// differ in who reads the request and where the outcome is shown. It is the only package that
// imports all stages.
//
// A failure never skips the record, and nothing is recorded that was not observed.
package pipeline
